package fake

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

func company(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return pick(r, lastNames) + " " + pick(r, companyEnds)
	}
	return pick(r, lastNames) + " - " + pick(r, lastNames)
}

// amount writes a number of two decimals between the options' bounds.
func amount(low, high float64) Func {
	return func(r *rand.Rand, args []any) any {
		decimals := min(max(int(option(args, "dec", 2)), 0), 10)
		v := fraction(r, option(args, "min", low), option(args, "max", high), decimals)
		return text(args, "symbol", "") + strconv.FormatFloat(v, 'f', decimals, 64)
	}
}

// luhn appends the digit that makes a card's number valid.
func luhn(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// weighted appends the digit that completes digits weighted 1 and 3 in turn.
func weighted(s string, odd int) string {
	sum := 0
	for i := range len(s) {
		w := 1
		if i%2 == odd {
			w = 3
		}
		sum += int(s[i]-'0') * w
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// iban makes an account's number of a country, with its check digits.
func iban(r *rand.Rand, args []any) any {
	country := strings.ToUpper(text(args, "countryCode", "DE"))
	if len(country) != 2 || strings.Trim(country, upper) != "" {
		country = "DE"
	}
	account := letters(r, digits, 18)
	rest := 0
	for _, c := range account + country + "00" {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, account)
}

func trade() map[string]Func {
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	return map[string]Func{
		"companyName": func(r *rand.Rand, _ []any) any { return company(r) },
		"companyBuzzPhrase": func(r *rand.Rand, _ []any) any {
			return pick(r, buzzVerbs) + " " + pick(r, buzzAdjectives) + " " + pick(r, buzzNouns)
		},
		"companyCatchPhrase": func(r *rand.Rand, _ []any) any {
			return pick(r, catchAdjectives) + " " + pick(r, catchDescribing) + " " + pick(r, catchNouns)
		},
		"commercePrice": func(r *rand.Rand, args []any) any { return amount(1, 1000)(r, args) },
		"commerceProductName": func(r *rand.Rand, _ []any) any {
			return pick(r, qualities) + " " + pick(r, materials) + " " + pick(r, products)
		},
		"commerceProductDescription": func(r *rand.Rand, _ []any) any {
			return fmt.Sprintf("%s %s made of %s, for every %s", pick(r, qualities), strings.ToLower(pick(r, products)), strings.ToLower(pick(r, materials)), pick(r, nouns))
		},
		"commerceIsbn": func(r *rand.Rand, _ []any) any {
			n := weighted("978"+letters(r, digits, 9), 1)
			return n[:3] + "-" + n[3:4] + "-" + n[4:7] + "-" + n[7:12] + "-" + n[12:]
		},
		"commerceUpc":          func(r *rand.Rand, _ []any) any { return weighted(letters(r, digits, 11), 0) },
		"financeAmount":        amount(0, 1000),
		"financeAccountNumber": func(r *rand.Rand, args []any) any { return letters(r, digits, length(r, args, 8, 8)) },
		"financePin":           func(r *rand.Rand, args []any) any { return letters(r, digits, length(r, args, 4, 4)) },
		"financeRoutingNumber": func(r *rand.Rand, _ []any) any {
			n := letters(r, digits, 8)
			sum := 0
			for i := range n {
				sum += int(n[i]-'0') * [3]int{3, 7, 1}[i%3]
			}
			return n + strconv.Itoa((10-sum%10)%10)
		},
		"financeBic": func(r *rand.Rand, _ []any) any {
			return letters(r, upper, 4) + pick(r, codes) + letters(r, upper+digits, 2)
		},
		"financeIban": iban,
		"financeBitcoinAddress": func(r *rand.Rand, _ []any) any {
			return "1" + letters(r, base58, 25+r.IntN(9))
		},
		"financeLitecoinAddress": func(r *rand.Rand, _ []any) any { return "L" + letters(r, base58, 25+r.IntN(8)) },
		"financeEthereumAddress": func(r *rand.Rand, _ []any) any { return "0x" + letters(r, hexes, 40) },
		"financeCreditCardCVV":   shaped("###"),
		"financeCreditCardNumber": func(r *rand.Rand, _ []any) any {
			n := luhn(pick(r, words("4|51|52|6011")) + letters(r, digits, 14))
			return n
		},
		"financeCurrency":     record(currencies, "name", "code", "symbol", "numericCode"),
		"financeCurrencyName": field(currencies, 0), "financeCurrencyCode": field(currencies, 1),
		"financeCurrencySymbol": field(currencies, 2), "financeCurrencyNumericCode": field(currencies, 3),
		"financeTransactionDescription": func(r *rand.Rand, _ []any) any {
			return fmt.Sprintf("%s of %s %s at %s, card ending in ****%s", pick(r, dealings), field(currencies, 1)(r, nil), amount(1, 1000)(r, nil), company(r), letters(r, digits, 4))
		},
	}
}

func things() map[string]Func {
	color := func(low, high float64, n, decimals int) Func {
		return func(r *rand.Rand, _ []any) any {
			list := make([]any, n)
			for i := range list {
				list[i] = fraction(r, low, high, decimals)
			}
			return list
		}
	}
	hue := func(r *rand.Rand, _ []any) any {
		return []any{int64(r.IntN(361)), fraction(r, 0, 1, 2), fraction(r, 0, 1, 2)}
	}
	return map[string]Func{
		"colorCmyk": color(0, 1, 4, 2), "colorColorByCSSColorSpace": color(0, 1, 3, 4), "colorHsl": hue, "colorHwb": hue,
		"colorLab": color(-100, 100, 3, 4), "colorLch": color(0, 230, 3, 2),
		"colorRgb":               func(r *rand.Rand, args []any) any { return cased(args, text(args, "prefix", "#")+letters(r, hexes, 6)) },
		"airlineFlightNumber":    func(r *rand.Rand, args []any) any { return strconv.Itoa(1 + r.IntN(9999)) },
		"airlineRecordLocator":   func(r *rand.Rand, _ []any) any { return letters(r, upper, 6) },
		"airlineSeat":            func(r *rand.Rand, _ []any) any { return strconv.Itoa(1+r.IntN(35)) + letters(r, "ABCDEF", 1) },
		"airlineAirline":         record(airlines, "name", "iataCode"),
		"airlineAirport":         record(airports, "name", "iataCode"),
		"airlineAirplane":        record(airplanes, "name", "iataTypeCode"),
		"scienceChemicalElement": record(elements, "symbol", "name", "atomicNumber"),
		"scienceUnit":            record(units, "name", "symbol"),
		"systemCommonFileName":   func(r *rand.Rand, _ []any) any { return fileName(r) },
		"systemFileName":         func(r *rand.Rand, _ []any) any { return fileName(r) },
		"systemFilePath":         func(r *rand.Rand, _ []any) any { return pick(r, dirs) + "/" + fileName(r) },
		"systemSemver":           func(r *rand.Rand, _ []any) any { return fmt.Sprintf("%d.%d.%d", r.IntN(10), r.IntN(20), r.IntN(20)) },
		"systemCron": func(r *rand.Rand, _ []any) any {
			return fmt.Sprintf("%d %d * * %d", r.IntN(60), r.IntN(24), r.IntN(7))
		},
		"systemNetworkInterface": shaped("eth#", "eno#", "enp#s#", "wlan#"),
		"vehicleVehicle":         func(r *rand.Rand, _ []any) any { return pick(r, makers) + " " + pick(r, models) },
		"vehicleVin": func(r *rand.Rand, _ []any) any {
			return letters(r, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 11) + letters(r, digits, 6)
		},
		"vehicleVrm": shaped("??##???"),
	}
}

func fileName(r *rand.Rand) string {
	return pick(r, adjectives) + "_" + pick(r, nouns) + "." + pick(r, extensions)
}

// listed are the functions that only pick from a list.
func listed() map[string]Func {
	all := map[string]Func{}
	for name, list := range map[string][]string{
		"airlineAircraftType": words("narrowbody|regional|widebody"),
		"colorHuman":          colors, "colorSpace": words("CIELAB|CMYK|HSL|RGB|sRGB|YUV"),
		"colorCssSupportedFunction": words("cmyk|color|hsl|hsla|hwb|lab|lch|rgb|rgba"),
		"colorCssSupportedSpace":    words("a98-rgb|display-p3|prophoto-rgb|rec2020|sRGB"),
		"commerceDepartment":        departments, "commerceProduct": products, "commerceProductAdjective": qualities,
		"commerceProductMaterial": materials, "companyBuzzAdjective": buzzAdjectives, "companyBuzzNoun": buzzNouns,
		"companyBuzzVerb": buzzVerbs, "companyCatchPhraseAdjective": catchAdjectives,
		"companyCatchPhraseDescriptor": catchDescribing, "companyCatchPhraseNoun": catchNouns,
		"databaseCollation": dbCollations, "databaseColumn": dbColumns, "databaseEngine": dbEngines, "databaseType": dbTypes,
		"financeAccountName": accounts, "financeCreditCardIssuer": cards, "financeTransactionType": dealings,
		"hackerAbbreviation": hackerShorts, "hackerAdjective": hackerKinds, "hackerIngverb": hackerIngs,
		"hackerNoun": hackerThings, "hackerVerb": hackerVerbs,
		"systemCommonFileExt": extensions, "systemCommonFileType": kinds, "systemDirectoryPath": dirs,
		"systemFileExt": extensions, "systemFileType": kinds, "systemMimeType": mimes,
		"vehicleBicycle": bicycles, "vehicleColor": colors, "vehicleFuel": fuels, "vehicleManufacturer": makers,
		"vehicleModel": models, "vehicleType": cars,
	} {
		all[name] = of(list)
	}
	for prefix, lists := range map[string]map[string][]string{"animal": animals, "food": foods, "book": books, "music": musics} {
		for name, list := range lists {
			all[prefix+strings.ToUpper(name[:1])+name[1:]] = of(list)
		}
	}
	return all
}
