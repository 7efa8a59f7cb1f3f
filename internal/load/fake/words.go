package fake

import "strings"

// words cuts a list at its bars.
func words(s string) []string { return strings.Split(s, "|") }

// The lists are small on purpose: they make traffic look plausible, they are no census.
var (
	femaleNames = words("Ada|Alice|Amina|Anna|Beatriz|Carla|Chloe|Clara|Dalia|Elena|Emma|Fatima|Freya|Grace|Hana|Ines|Ingrid|Julia|Katya|Lena|Lucia|Maria|Mei|Nadia|Nora|Olga|Priya|Rosa|Sofia|Zoe")
	maleNames   = words("Adam|Ahmed|Alan|Anton|Boris|Carlos|Daniel|David|Emil|Erik|Felix|George|Hugo|Ivan|Jakob|James|Jonas|Karim|Leo|Luca|Mateo|Max|Noah|Oscar|Paul|Rafael|Samuel|Theo|Victor|Yusuf")
	lastNames   = words("Adams|Almeida|Bauer|Becker|Berg|Brown|Chen|Costa|Dubois|Evans|Fischer|Garcia|Hansen|Ito|Jensen|Kaya|Keller|Khan|Kim|Larsen|Lopez|Meyer|Moreau|Nguyen|Novak|Okafor|Patel|Reed|Rossi|Santos|Silva|Smith|Sokolov|Tanaka|Walker|Weber|Wilson|Wong|Young|Zhang")
	genders     = words("Female|Male|Non-binary|Agender|Genderfluid|Two-spirit")
	zodiac      = words("Aquarius|Pisces|Aries|Taurus|Gemini|Cancer|Leo|Virgo|Libra|Scorpio|Sagittarius|Capricorn")
	jobLevels   = words("Senior|Junior|Lead|Principal|Chief|Regional|Global|Central|Dynamic|District|Internal|National")
	jobAreas    = words("Accounts|Applications|Assurance|Brand|Communications|Data|Marketing|Markets|Operations|Quality|Research|Security|Solutions|Web")
	jobTypes    = words("Administrator|Agent|Analyst|Architect|Assistant|Consultant|Coordinator|Designer|Developer|Director|Engineer|Manager|Officer|Planner|Specialist|Technician")

	cities     = words("Ashford|Brookfield|Carlton|Dunmore|Eastbridge|Fairhaven|Glenwood|Harborview|Kingsbury|Lakeside|Maplewood|Northgate|Oakridge|Port Linden|Queensferry|Riverton|Springdale|Thornbury|Westbrook|Winfield")
	streets    = words("Birch Lane|Bridge Street|Cedar Avenue|Church Road|Elm Street|Forest Drive|Garden Court|Hill Road|Lake View|Linden Way|Main Street|Market Square|Mill Lane|North Road|Orchard Close|Park Avenue|River Walk|School Lane|Station Road|Willow Way")
	states     = words("Alabama|Alaska|Arizona|California|Colorado|Florida|Georgia|Idaho|Illinois|Indiana|Kansas|Maine|Michigan|Montana|Nevada|New York|Ohio|Oregon|Texas|Utah|Vermont|Washington")
	counties   = words("Avon|Cornwall|Cumbria|Devon|Dorset|Essex|Kent|Norfolk|Suffolk|Surrey|Sussex|Wiltshire")
	countries  = words("Argentina|Australia|Austria|Belgium|Brazil|Canada|Chile|Denmark|Egypt|Finland|France|Germany|Ghana|Greece|India|Ireland|Italy|Japan|Kenya|Mexico|Morocco|Netherlands|Norway|Peru|Poland|Portugal|Spain|Sweden|Turkey|Vietnam")
	codes      = words("AR|AU|AT|BE|BR|CA|CL|DK|EG|FI|FR|DE|GH|GR|IN|IE|IT|JP|KE|MX|MA|NL|NO|PE|PL|PT|ES|SE|TR|VN")
	continents = words("Africa|Antarctica|Asia|Australia|Europe|North America|South America")
	zones      = words("Africa/Cairo|Africa/Nairobi|America/Chicago|America/Lima|America/New_York|America/Sao_Paulo|Asia/Kolkata|Asia/Tokyo|Australia/Sydney|Europe/Berlin|Europe/London|Europe/Madrid|Pacific/Auckland")
	languages  = words("Arabic,ar,ara|Bengali,bn,ben|Chinese,zh,zho|English,en,eng|French,fr,fra|German,de,deu|Hindi,hi,hin|Italian,it,ita|Japanese,ja,jpn|Polish,pl,pol|Spanish,es,spa|Swahili,sw,swa")

	mails     = words("gmail.com|hotmail.com|yahoo.com")
	examples  = words("example.com|example.net|example.org")
	suffixes  = words("com|biz|info|name|net|org")
	agents    = words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0|Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36|Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15")
	emojis    = words("😀|😎|🚀|🌍|🍕|🐧|🎉|🔥|🌱|🎸|⚽|🧊")
	protocols = words("http|https")
	methods   = words("GET|POST|PUT|DELETE|PATCH")
	statuses  = words("200|201|202|204|301|302|304|307|308|400|401|403|404|409|410|422|429|500|502|503|504")
	jwts      = words("HS256|HS384|HS512|RS256|RS384|RS512|ES256|ES384|ES512|PS256|PS384|PS512|none")

	companyEnds  = words("Inc|LLC|Group|and Sons")
	adjectives   = words("able|amber|brave|bright|calm|clever|cold|curious|dark|deep|early|eager|fair|fast|fine|gentle|glad|golden|grand|happy|honest|kind|large|late|light|lively|loud|lucky|new|noble|old|plain|proud|quick|quiet|rare|ripe|round|sharp|short|silent|slow|small|smooth|soft|strong|sunny|sweet|tall|warm|wide|wild|wise|young")
	adverbs      = words("almost|badly|boldly|briefly|calmly|daily|eagerly|easily|fairly|gladly|gently|hardly|kindly|loudly|often|openly|partly|quickly|quietly|rarely|sadly|slowly|softly|soon|warmly|well|wisely")
	nouns        = words("anchor|apple|arrow|bakery|basket|bell|bird|boat|book|bottle|box|branch|bridge|brush|bucket|button|cabin|candle|canyon|carpet|castle|chair|clock|cloud|coat|coin|corner|cup|desk|door|drum|engine|farm|feather|field|flag|flower|forest|garden|gate|glass|glove|harbor|hat|hill|house|island|jacket|jar|key|kitchen|ladder|lake|lamp|leaf|letter|lemon|map|market|meadow|mirror|mountain|notebook|ocean|orange|paint|paper|pencil|piano|pillow|planet|plate|pocket|pond|ribbon|ring|river|road|roof|rope|sail|school|shadow|shelf|shoe|spoon|star|station|stone|street|table|ticket|tower|train|tree|valley|village|wagon|wall|watch|wheel|window|winter|wood")
	verbs        = words("add|ask|bake|begin|borrow|bring|build|buy|call|carry|catch|choose|clean|climb|close|collect|cook|count|dance|draw|drive|eat|explain|find|fix|fly|follow|gather|give|grow|help|hold|join|jump|keep|learn|leave|listen|look|make|measure|meet|move|open|paint|plan|play|read|repair|run|sail|sell|send|share|sing|sleep|speak|start|stay|swim|teach|think|travel|turn|visit|wait|walk|watch|win|write")
	conjunctions = words("after|although|and|as|because|before|but|for|if|nor|once|or|since|so|than|though|unless|until|when|whenever|where|while|yet")
	interjection = words("ah|aha|bravo|cheers|eek|hey|hmm|hooray|oh|oops|ouch|phew|ugh|well|wow|yay|yikes")
	prepositions = words("about|above|across|after|against|along|among|around|at|before|behind|below|beside|between|beyond|by|down|during|for|from|in|inside|into|near|of|off|on|onto|over|past|through|to|toward|under|until|up|with|within|without")
	latin        = words("amor|aqua|arbor|ars|astra|aurum|bellum|bonus|caelum|campus|canis|causa|corpus|cura|dies|domus|equus|ferrum|fides|finis|flamma|fortis|frater|gens|gloria|herba|homo|hora|ignis|imago|labor|lapis|laus|lex|liber|locus|luna|lux|magnus|manus|mare|mater|mens|mons|mundus|nauta|navis|nomen|novus|nox|oculus|omnis|opus|orbis|pater|pax|pons|porta|puer|ratio|res|rex|ripa|rosa|saxum|silva|sol|somnus|spes|stella|tempus|terra|turris|umbra|unda|urbs|ventus|verbum|veritas|via|vinum|virtus|vita|vox")

	buzzAdjectives  = words("agile|cloud-native|cross-platform|data-driven|end-to-end|frictionless|global|interactive|open-source|real-time|robust|scalable|seamless|secure|smart|sustainable")
	buzzVerbs       = words("aggregate|benchmark|deliver|deploy|empower|enable|expedite|integrate|leverage|optimize|orchestrate|scale|simplify|streamline|transform|unlock")
	buzzNouns       = words("channels|communities|convergence|experiences|interfaces|markets|metrics|models|networks|partnerships|platforms|services|solutions|supply-chains|systems|users")
	catchAdjectives = words("Adaptive|Balanced|Compatible|Configurable|Digitized|Distributed|Ergonomic|Focused|Integrated|Managed|Open|Optional|Phased|Polarised|Reactive|Secured|Synchronised|Versatile")
	catchDescribing = words("bi-directional|client-server|context-sensitive|coherent|dedicated|discrete|encompassing|explicit|fault-tolerant|homogeneous|hybrid|modular|multi-state|regional|scalable|stable|static|systematic")
	catchNouns      = words("ability|adapter|alliance|analyzer|application|array|budget|circuit|core|database|extranet|firmware|forecast|framework|hub|interface|matrix|monitoring|portal|protocol|software|workforce")

	departments = words("Automotive|Baby|Beauty|Books|Clothing|Computers|Electronics|Games|Garden|Grocery|Health|Home|Industrial|Jewelry|Kids|Movies|Music|Outdoors|Shoes|Sports|Tools|Toys")
	products    = words("Bacon|Ball|Bike|Bottle|Chair|Cheese|Chips|Computer|Gloves|Hat|Keyboard|Lamp|Mouse|Pants|Pizza|Salad|Shirt|Shoes|Soap|Table|Towels|Watch")
	qualities   = words("Bespoke|Classic|Elegant|Ergonomic|Fresh|Handcrafted|Handmade|Licensed|Luxurious|Modern|Practical|Recycled|Refined|Rustic|Sleek|Small|Smart|Soft|Sturdy|Tasty")
	materials   = words("Bamboo|Bronze|Ceramic|Concrete|Cotton|Glass|Granite|Leather|Marble|Metal|Plastic|Rubber|Silk|Steel|Wooden|Wool")
	colors      = words("azure|black|blue|cyan|fuchsia|gold|green|grey|indigo|ivory|lavender|lime|magenta|maroon|mint green|olive|orange|orchid|pink|plum|purple|red|salmon|silver|tan|teal|turquoise|violet|white|yellow")

	accounts   = words("Auto Loan Account|Checking Account|Credit Card Account|Home Loan Account|Investment Account|Money Market Account|Personal Loan Account|Savings Account")
	currencies = words("Australian Dollar,AUD,$,036|Brazilian Real,BRL,R$,986|Canadian Dollar,CAD,$,124|Danish Krone,DKK,kr,208|Euro,EUR,€,978|Indian Rupee,INR,₹,356|Polish Zloty,PLN,zł,985|Pound Sterling,GBP,£,826|Swedish Krona,SEK,kr,752|Swiss Franc,CHF,CHF,756|US Dollar,USD,$,840|Yen,JPY,¥,392")
	cards      = words("american_express|diners_club|discover|jcb|maestro|mastercard|visa")
	dealings   = words("deposit|invoice|payment|withdrawal")

	months   = words("January|February|March|April|May|June|July|August|September|October|November|December")
	weekdays = words("Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday")

	dbTypes      = words("bigint|binary|blob|boolean|char|date|datetime|decimal|double|enum|float|int|json|numeric|text|time|timestamp|varchar")
	dbColumns    = words("avatar|category|comment|createdAt|email|group|id|name|password|phone|status|title|token|updatedAt")
	dbCollations = words("ascii_bin|ascii_general_ci|cp1250_bin|cp1250_general_ci|utf8_bin|utf8_general_ci|utf8_unicode_ci")
	dbEngines    = words("ARCHIVE|BLACKHOLE|CSV|InnoDB|MEMORY|MyISAM")

	hackerShorts = words("AI|API|CSS|DNS|GB|HTTP|IP|JSON|PCI|RAM|SMTP|SQL|SSD|SSL|TCP|USB|XML")
	hackerKinds  = words("1080p|auxiliary|back-end|bluetooth|cross-platform|digital|mobile|multi-byte|neural|online|open-source|optical|primary|redundant|virtual|wireless")
	hackerThings = words("alarm|array|bandwidth|bus|capacitor|card|circuit|driver|feed|firewall|hard drive|interface|matrix|microchip|monitor|panel|pixel|port|program|protocol|sensor|system|transmitter")
	hackerVerbs  = words("bypass|calculate|compress|connect|copy|generate|hack|index|input|navigate|override|parse|program|quantify|reboot|synthesize|transmit")
	hackerIngs   = words("backing up|bypassing|calculating|compressing|connecting|copying|generating|hacking|indexing|navigating|overriding|parsing|programming|quantifying|rebooting|synthesizing|transmitting")

	extensions = words("csv|gif|html|jpg|json|mp3|mp4|pdf|png|txt|wav|webm|xml|zip")
	mimes      = words("application/json|application/pdf|application/xml|application/zip|audio/mpeg|image/gif|image/jpeg|image/png|text/csv|text/html|text/plain|video/mp4")
	kinds      = words("application|audio|image|text|video")
	dirs       = words("/bin|/dev|/etc|/home/user|/lib|/media|/opt|/srv|/tmp|/usr/bin|/usr/lib|/usr/local|/var/lib|/var/log|/var/tmp")

	bicycles = words("Adventure Road Bicycle|BMX Bicycle|City Bicycle|Cruiser Bicycle|Folding Bicycle|Hybrid Bicycle|Mountain Bicycle|Road Bicycle|Tandem Bicycle|Touring Bicycle")
	fuels    = words("Diesel|Electric|Gasoline|Hybrid")
	makers   = words("Audi|BMW|Dacia|Fiat|Ford|Honda|Hyundai|Kia|Mazda|Nissan|Opel|Peugeot|Renault|Seat|Skoda|Tesla|Toyota|Volkswagen|Volvo")
	models   = words("Alpine|Breeze|Comet|Delta|Explorer|Falcon|Glide|Horizon|Jetstream|Lynx|Meteor|Nomad|Orbit|Pioneer|Quest|Ranger|Summit|Traveller")
	cars     = words("Cargo Van|Convertible|Coupe|Crew Cab Pickup|Hatchback|Minivan|Sedan|SUV|Wagon")

	animals = map[string][]string{
		"bear": words("Brown bear|Polar bear|Sloth bear|Sun bear"), "bird": words("Blackbird|Falcon|Heron|Kingfisher|Robin|Swift"),
		"cat": words("Birman|Burmese|Maine Coon|Persian|Siamese"), "cetacean": words("Beluga|Blue whale|Dolphin|Orca|Porpoise"),
		"cow": words("Angus|Guernsey|Hereford|Highland|Jersey"), "crocodilia": words("American alligator|Black caiman|Gharial|Nile crocodile"),
		"dog": words("Beagle|Border Collie|Dachshund|Greyhound|Poodle|Spaniel"), "fish": words("Carp|Cod|Herring|Salmon|Trout|Tuna"),
		"horse": words("Arabian|Clydesdale|Hanoverian|Mustang|Shire"), "insect": words("Ant|Beetle|Bumblebee|Butterfly|Cricket|Dragonfly"),
		"lion": words("Asiatic lion|Barbary lion|Cape lion|Masai lion"), "petName": words("Bella|Biscuit|Coco|Luna|Max|Milo|Poppy|Rocky"),
		"rabbit": words("Angora|Dutch|English Lop|Lionhead|Rex"), "rodent": words("Beaver|Chinchilla|Guinea pig|Hamster|Squirrel"),
		"snake": words("Adder|Boa|Cobra|Corn snake|Python"),
		"type":  words("bear|bird|cat|cow|crocodile|dog|dolphin|fish|horse|insect|kangaroo|lion|rabbit|snake|whale"),
	}
	foods = map[string][]string{
		"adjective": words("creamy|crisp|fresh|hot|juicy|mild|rich|salty|smoky|sour|spicy|sweet"), "dish": words("Bean Stew|Caesar Salad|Chicken Curry|Fish Pie|Lentil Soup|Mushroom Risotto|Onion Tart|Pasta Bake|Pumpkin Soup|Vegetable Lasagne"),
		"ethnicCategory": words("Ethiopian|French|Greek|Indian|Italian|Japanese|Korean|Lebanese|Mexican|Thai"), "fruit": words("apple|apricot|banana|cherry|grape|kiwi|lemon|mango|orange|peach|pear|plum"),
		"ingredient": words("barley|butter|cheese|chickpeas|cream|flour|honey|mussels|olives|rice|tofu|walnuts"), "meat": words("beef|chicken|duck|lamb|pork|turkey|venison"),
		"spice": words("basil|cardamom|cinnamon|clove|cumin|ginger|mace|nutmeg|paprika|saffron|thyme"), "vegetable": words("beetroot|broccoli|carrot|celery|kale|leek|onion|parsnip|pea|pepper|spinach|turnip"),
	}
	books = map[string][]string{
		"author": words("Ana Ferreira|Ben Holt|Clara Lind|Dov Eisner|Eva Marsh|Femi Adeyemi"), "format": words("Audiobook|Ebook|Hardcover|Paperback"),
		"genre": words("Biography|Crime|Fantasy|History|Mystery|Poetry|Romance|Science Fiction|Thriller|Travel"), "publisher": words("Bluegate Press|Harbour House|Lantern Books|Northwind Editions|Paper Crane"),
		"series": words("The Harbour Chronicles|The Long Winter|The Salt Road|Tales of the Marsh"), "title": words("A Quiet Tide|Letters to Nobody|Nine Bridges|The Clockmaker's Garden|The Last Orchard|Under Grey Skies"),
	}
	musics = map[string][]string{
		"album": words("Afterlight|Blue Hours|City Maps|Paper Moons|Second Spring|Undertow"), "artist": words("Glass Harbour|June & the Tides|Mono Parade|Red Cedar|The Night Trams"),
		"genre": words("Blues|Classical|Country|Electronic|Folk|Funk|Hip Hop|Jazz|Metal|Pop|Reggae|Rock|Soul"), "songName": words("All the Way Down|Counting Stars Again|Hold the Line Open|Morning Train|Slow River|Without a Map"),
	}
	airlines  = words("Aurora Airways,AW|Blue Fjord,BF|Coastal Air,CA|Meridian,MD|Nordwind,NW|Sunline,SL")
	airports  = words("Amsterdam Airport Schiphol,AMS|Frankfurt Airport,FRA|Lisbon Airport,LIS|Madrid Barajas Airport,MAD|Oslo Airport,OSL|Tokyo Haneda Airport,HND|Toronto Pearson Airport,YYZ")
	airplanes = words("Airbus A320,320|Airbus A350,350|Boeing 737-800,738|Boeing 787-9,789|Embraer 190,E90")
	elements  = words("H,Hydrogen,1|He,Helium,2|C,Carbon,6|N,Nitrogen,7|O,Oxygen,8|Na,Sodium,11|Al,Aluminium,13|Fe,Iron,26|Cu,Copper,29|Ag,Silver,47|Au,Gold,79|Pb,Lead,82")
	units     = words("meter,m|second,s|kilogram,kg|ampere,A|kelvin,K|mole,mol|hertz,Hz|newton,N|pascal,Pa|joule,J|watt,W|volt,V")
)
