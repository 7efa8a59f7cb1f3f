package fake

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// aliases are earlier names, by what they are called today.
var aliases = map[string]string{
	"randEmail": "internetEmail", "randFullName": "personFullName", "randFirstName": "personFirstName",
	"randLastName": "personLastName", "randUserName": "internetUsername", "randPassword": "internetPassword",
	"randUuid": "stringUuid", "randPhoneNumber": "phoneNumber", "randCity": "locationCity",
	"randCountry": "locationCountry", "randStreetAddress": "locationStreetAddress", "randZipCode": "locationZipCode",
	"randCompanyName": "companyName", "randNumber": "numberInt", "randBoolean": "datatypeBoolean",
	"randUrl": "internetUrl", "randIp": "internetIpv4", "randWord": "loremWord", "randSentence": "loremSentence",
	"randParagraph": "loremParagraph", "randText": "loremText", "randJobTitle": "personJobTitle",
	"randColor": "colorHuman", "randProductName": "commerceProductName",
}

// functions are all of today's names.
var functions = merged(people(), places(), internet(), numbers(), texts(), trade(), things(), times(), listed())

func merged(tables ...map[string]Func) map[string]Func {
	all := map[string]Func{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// of picks one of a list.
func of(list []string) Func {
	return func(r *rand.Rand, _ []any) any { return pick(r, list) }
}

// shaped fills one of the shapes in.
func shaped(shapes ...string) Func {
	return func(r *rand.Rand, _ []any) any { return shape(r, pick(r, shapes)) }
}

// record picks one of a list of records, and names its fields.
func record(list []string, names ...string) Func {
	return func(r *rand.Rand, _ []any) any {
		fields := map[string]any{}
		for i, value := range strings.Split(pick(r, list), ",") {
			fields[names[i]] = value
			if n, err := strconv.Atoi(value); err == nil && names[i] == "atomicNumber" {
				fields[names[i]] = int64(n)
			}
		}
		return fields
	}
}

// field picks one of a list of records, and one of its fields.
func field(list []string, i int) Func {
	return func(r *rand.Rand, _ []any) any { return strings.Split(pick(r, list), ",")[i] }
}

func firstName(r *rand.Rand, args []any) string {
	sex := text(args, "sex", "")
	if len(args) > 0 {
		if s, ok := args[0].(string); ok {
			sex = s
		}
	}
	if sex == "female" || sex != "male" && r.IntN(2) == 0 {
		return pick(r, femaleNames)
	}
	return pick(r, maleNames)
}

func fullName(r *rand.Rand, args []any) string {
	return text(args, "firstName", firstName(r, args)) + " " + text(args, "lastName", pick(r, lastNames))
}

func people() map[string]Func {
	return map[string]Func{
		"personFirstName":  func(r *rand.Rand, args []any) any { return firstName(r, args) },
		"personMiddleName": func(r *rand.Rand, args []any) any { return firstName(r, args) },
		"personLastName":   of(lastNames),
		"personFullName":   func(r *rand.Rand, args []any) any { return fullName(r, args) },
		"personBio": func(r *rand.Rand, _ []any) any {
			return pick(r, nouns) + " " + pick(r, words("advocate|enthusiast|fan|lover|supporter")) + ", " + strings.ToLower(pick(r, jobTypes))
		},
		"personGender": of(genders), "personSex": of(words("female|male")), "personSexType": of(words("female|male")),
		"personJobArea": of(jobAreas), "personJobDescriptor": of(jobLevels), "personJobType": of(jobTypes),
		"personJobTitle": func(r *rand.Rand, _ []any) any {
			return pick(r, jobLevels) + " " + pick(r, jobAreas) + " " + pick(r, jobTypes)
		},
		"personPrefix": of(words("Dr.|Miss|Mr.|Mrs.|Ms.")), "personSuffix": of(words("DDS|DVM|I|II|III|IV|Jr.|MD|PhD|Sr.|V")),
		"personZodiacSign": of(zodiac),
		"phoneNumber":      shaped("###-###-####", "(###) ###-####", "1-###-###-####", "###.###.####"),
		"phoneImei":        shaped("##-######-######-#"),
	}
}

func places() map[string]Func {
	street := func(r *rand.Rand) string { return strconv.Itoa(1+r.IntN(9999)) + " " + pick(r, streets) }
	return map[string]Func{
		"locationBuildingNumber":    func(r *rand.Rand, _ []any) any { return strconv.Itoa(1 + r.IntN(9999)) },
		"locationCity":              of(cities),
		"locationContinent":         of(continents),
		"locationCountry":           of(countries),
		"locationCountryCode":       of(codes),
		"locationCounty":            of(counties),
		"locationState":             of(states),
		"locationStreet":            of(streets),
		"locationTimeZone":          of(zones),
		"locationLanguage":          record(languages, "name", "alpha2", "alpha3"),
		"locationCardinalDirection": of(words("North|East|South|West")),
		"locationOrdinalDirection":  of(words("Northeast|Northwest|Southeast|Southwest")),
		"locationDirection":         of(words("North|East|South|West|Northeast|Northwest|Southeast|Southwest")),
		"locationZipCode":           shaped("#####", "#####-####"),
		"locationSecondaryAddress":  shaped("Apt. ###", "Suite ###"),
		"locationStreetAddress": func(r *rand.Rand, args []any) any {
			if len(args) > 0 && args[0] == true || options(args)["useFullAddress"] == true {
				return street(r) + shape(r, " Apt. ###")
			}
			return street(r)
		},
		"locationPostalAddress": func(r *rand.Rand, _ []any) any {
			return street(r) + "\n" + pick(r, cities) + "\n" + pick(r, states) + "\n" + shape(r, "#####")
		},
		"locationLatitude": func(r *rand.Rand, args []any) any {
			return fraction(r, option(args, "min", -90), option(args, "max", 90), int(option(args, "precision", 4)))
		},
		"locationLongitude": func(r *rand.Rand, args []any) any {
			return fraction(r, option(args, "min", -180), option(args, "max", 180), int(option(args, "precision", 4)))
		},
		"locationNearbyGPSCoordinate": func(r *rand.Rand, _ []any) any {
			return []any{fraction(r, -90, 90, 4), fraction(r, -180, 180, 4)}
		},
	}
}

func userName(r *rand.Rand, args []any) string {
	name := text(args, "firstName", firstName(r, nil)) + pick(r, []string{".", "_"}) + text(args, "lastName", pick(r, lastNames))
	return strings.ReplaceAll(name, " ", "") + shape(r, pick(r, []string{"", "#", "##"}))
}

func domain(r *rand.Rand) string {
	return pick(r, adjectives) + "-" + pick(r, nouns) + "." + pick(r, suffixes)
}

func internet() map[string]Func {
	mail := func(providers []string) Func {
		return func(r *rand.Rand, args []any) any {
			return userName(r, args) + "@" + text(args, "provider", pick(r, providers))
		}
	}
	return map[string]Func{
		"internetEmail": mail(mails), "internetExampleEmail": mail(examples),
		"internetUsername":     func(r *rand.Rand, args []any) any { return userName(r, args) },
		"internetDisplayName":  func(r *rand.Rand, args []any) any { return userName(r, args) },
		"internetDomainName":   func(r *rand.Rand, _ []any) any { return domain(r) },
		"internetDomainSuffix": of(suffixes),
		"internetDomainWord":   func(r *rand.Rand, _ []any) any { return pick(r, adjectives) + "-" + pick(r, nouns) },
		"internetEmoji":        of(emojis), "internetHttpMethod": of(methods), "internetProtocol": of(protocols),
		"internetUserAgent": of(agents), "internetJwtAlgorithm": of(jwts),
		"internetHttpStatusCode": func(r *rand.Rand, _ []any) any {
			n, _ := strconv.ParseInt(pick(r, statuses), 10, 64)
			return n
		},
		"internetIp": func(r *rand.Rand, _ []any) any {
			if r.IntN(2) == 0 {
				return ipv4(r)
			}
			return ipv6(r)
		},
		"internetIpv4": func(r *rand.Rand, _ []any) any { return ipv4(r) },
		"internetIpv6": func(r *rand.Rand, _ []any) any { return ipv6(r) },
		"internetMac": func(r *rand.Rand, _ []any) any {
			pairs := make([]string, 6)
			for i := range pairs {
				pairs[i] = letters(r, hexes, 2)
			}
			return strings.Join(pairs, ":")
		},
		"internetPassword": func(r *rand.Rand, args []any) any {
			return text(args, "prefix", "") + letters(r, lower+upper+digits+"_", length(r, args, 15, 15))
		},
		"internetPort": func(r *rand.Rand, _ []any) any { return int64(r.IntN(65536)) },
		"internetUrl": func(r *rand.Rand, args []any) any {
			end := ""
			if options(args)["appendSlash"] == true {
				end = "/"
			}
			return text(args, "protocol", "https") + "://" + domain(r) + end
		},
		"internetJwt": func(r *rand.Rand, _ []any) any {
			part := base64.RawURLEncoding.EncodeToString
			return part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
				part(fmt.Appendf(nil, `{"sub":"%s","iat":%d}`, uuid(r, nil), time.Now().Unix())) + "." + letters(r, lower+upper+digits+"-_", 43)
		},
		"imageAvatar":          shaped("https://avatars.example.com/people/####.jpg"),
		"imageAvatarGitHub":    shaped("https://avatars.githubusercontent.com/u/########"),
		"imagePersonPortrait":  shaped("https://avatars.example.com/portraits/####.jpg"),
		"imageUrl":             picture("https://picsum.photos/seed/%s/%d/%d"),
		"imageUrlLoremFlickr":  picture("https://loremflickr.com/seed/%s/%d/%d"),
		"imageUrlPicsumPhotos": picture("https://picsum.photos/seed/%s/%d/%d"),
		"imageDataUri": func(r *rand.Rand, _ []any) any {
			return "data:image/svg+xml;charset=UTF-8,%3Csvg%20xmlns%3D%22http%3A%2F%2Fwww.w3.org%2F2000%2Fsvg%22%20width%3D%22" +
				strconv.Itoa(1+r.IntN(3999)) + "%22%20height%3D%22" + strconv.Itoa(1+r.IntN(3999)) + "%22%2F%3E"
		},
	}
}

func picture(form string) Func {
	return func(r *rand.Rand, args []any) any {
		return fmt.Sprintf(form, letters(r, lower+upper+digits, 8),
			bound(option(args, "width", float64(1+r.IntN(3999)))), bound(option(args, "height", float64(1+r.IntN(3999)))))
	}
}

func ipv4(r *rand.Rand) string {
	return fmt.Sprintf("%d.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))
}

func ipv6(r *rand.Rand) string {
	parts := make([]string, 8)
	for i := range parts {
		parts[i] = letters(r, hexes, 4)
	}
	return strings.Join(parts, ":")
}

func numbers() map[string]Func {
	return map[string]Func{
		"numberInt": integer, "numberFloat": float, "numberBigInt": integer, "numberRomanNumeral": roman,
		"numberBinary": based(2, 1), "numberOctal": based(8, 7), "numberHex": based(16, 15),
		"datatypeBoolean": func(r *rand.Rand, args []any) any {
			return r.Float64() < option(args, "probability", first(args, 0.5))
		},
		"stringAlpha": alphabetic(lower+upper, "", 1), "stringAlphanumeric": alphabetic(lower+upper+digits, "", 1),
		"stringNumeric": alphabetic(digits, "", 1), "stringBinary": alphabetic("01", "0b", 1),
		"stringOctal": alphabetic("01234567", "0o", 1), "stringHexadecimal": alphabetic(hexes, "0x", 1),
		"stringSymbol": alphabetic("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "", 1),
		"stringSample": alphabetic("!#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}", "", 10),
		"stringNanoid": alphabetic(lower+upper+digits+"_-", "", 21),
		"stringUuid":   uuid,
		"stringUlid": func(r *rand.Rand, _ []any) any {
			const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
			at := uint64(time.Now().UnixMilli())
			stamp := make([]byte, 10)
			for i := range stamp {
				stamp[9-i] = crockford[at>>(5*i)&31]
			}
			return string(stamp) + letters(r, crockford, 16)
		},
		"stringFromCharacters": func(r *rand.Rand, args []any) any {
			if len(args) > 0 {
				if s, ok := args[0].(string); ok {
					return letters(r, s, length(r, args[1:], 1, 1))
				}
			}
			return letters(r, text(args, "characters", lower), length(r, args, 1, 1))
		},
		"databaseMongodbObjectId": func(r *rand.Rand, _ []any) any { return letters(r, hexes, 24) },
	}
}
