(function (exports, native) {
  'use strict';
  // Names of earlier versions, as module.function of today's.
  const old = {
    name: { firstName: 'person.firstName', lastName: 'person.lastName', findName: 'person.fullName', fullName: 'person.fullName', jobTitle: 'person.jobTitle', prefix: 'person.prefix', suffix: 'person.suffix', middleName: 'person.middleName', gender: 'person.gender', jobArea: 'person.jobArea', jobType: 'person.jobType' },
    address: { city: 'location.city', country: 'location.country', countryCode: 'location.countryCode', streetAddress: 'location.streetAddress', streetName: 'location.street', street: 'location.street', zipCode: 'location.zipCode', state: 'location.state', stateAbbr: 'location.state', latitude: 'location.latitude', longitude: 'location.longitude', secondaryAddress: 'location.secondaryAddress', timeZone: 'location.timeZone', county: 'location.county', buildingNumber: 'location.buildingNumber', cityName: 'location.city' },
    random: { word: 'lorem.word', words: 'lorem.words', uuid: 'string.uuid', alphaNumeric: 'string.alphanumeric', alpha: 'string.alpha', numeric: 'string.numeric', boolean: 'datatype.boolean', number: 'number.int', locale: 'location.countryCode' },
    datatype: { uuid: 'string.uuid', number: 'number.int', float: 'number.float', string: 'string.sample', hexadecimal: 'string.hexadecimal', datetime: 'date.anytime' },
    phone: { phoneNumber: 'phone.number', phoneNumberFormat: 'phone.number' },
    company: { companyName: 'company.name', bs: 'company.buzzPhrase' },
    internet: { userName: 'internet.username', color: 'color.rgb', ip: 'internet.ip' },
    commerce: { color: 'color.human' },
    finance: { account: 'finance.accountNumber' },
    vehicle: {}, helpers: {},
  };
  const list = (v) => (Array.isArray(v) ? v : Object.values(v || {}));
  const one = (v) => v[Math.floor(Math.random() * v.length)];
  const shuffle = (v) => {
    const to = v.slice();
    for (let i = to.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [to[i], to[j]] = [to[j], to[i]];
    }
    return to;
  };
  const count = (n, otherwise) => {
    if (n === undefined) return otherwise;
    return typeof n === 'object' ? n.min + Math.floor(Math.random() * (n.max - n.min + 1)) : n;
  };
  const helpers = {
    arrayElement: (v) => one(list(v)),
    arrayElements: (v, n) => shuffle(list(v)).slice(0, count(n, 1 + Math.floor(Math.random() * list(v).length))),
    shuffle,
    objectKey: (v) => one(Object.keys(v)),
    objectValue: (v) => one(Object.values(v)),
    enumValue: (v) => one(Object.values(v)),
    maybe: (f, { probability = 0.5 } = {}) => (Math.random() < probability ? f() : undefined),
    multiple: (f, { count: n } = {}) => Array.from({ length: count(n, 3) }, (_, i) => f(undefined, i)),
    weightedArrayElement: (v) => {
      let at = Math.random() * v.reduce((sum, x) => sum + x.weight, 0);
      return (v.find((x) => (at -= x.weight) < 0) || v[v.length - 1]).value;
    },
    replaceSymbols: (text = '') => text.replace(/[#?*]/g, (c) => (
      c === '#' ? String(Math.floor(Math.random() * 10)) : c === '?' || Math.random() < 0.5 ? one('ABCDEFGHIJKLMNOPQRSTUVWXYZ') : String(Math.floor(Math.random() * 10)))),
    slugify: (text = '') => text.replace(/ /g, '-').replace(/[^\w.-]+/g, ''),
    unique: (f, args = []) => f(...args),
    rangeToNumber: (n) => count(n),
  };
  helpers.replaceSymbolWithNumber = helpers.replaceSymbols;
  helpers.randomize = helpers.arrayElement;

  const bind = (module, name) => {
    const today = old[module] && Object.prototype.hasOwnProperty.call(old[module], name) ? old[module][name] : module + '.' + name;
    const [m, f] = today.split('.');
    if (m === 'helpers') return helpers[f];
    const flat = m + f[0].toUpperCase() + f.slice(1);
    if (!native.faked(flat)) return undefined;
    return (...args) => {
      if (module === 'datatype' && name === 'number' && typeof args[0] === 'number') args = [{ max: args[0] }];
      const v = native.fake(flat, args);
      return m === 'date' && typeof v === 'string' && /^\d{4}-.*Z$/.test(v) ? new Date(v) : v;
    };
  };
  const modules = {};
  const proxy = (module) => modules[module] || (modules[module] = new Proxy({}, {
    get(target, name) {
      if (typeof name !== 'string') return undefined;
      if (module === 'random' && (name === 'arrayElement' || name === 'arrayElements')) return helpers[name];
      if (!(name in target)) {
        const f = bind(module, name);
        if (!f) throw new Error('faker.' + module + '.' + name + ' is not there');
        target[name] = f;
      }
      return target[name];
    },
  }));
  const faker = new Proxy({}, {
    get(target, name) {
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (name === 'seed' || name === 'setLocale' || name === 'setDefaultRefDate') return () => 0;
      if (name === 'locale') return 'en';
      if (name === 'faker' || name === 'default' || name === 'fakerEN' || name === 'fakerEN_US') return faker;
      return proxy(name);
    },
    set: () => true,
    has: (target, name) => name === 'faker' || name === 'default',
  });
  return faker;
})
