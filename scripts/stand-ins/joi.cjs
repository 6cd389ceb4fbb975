// In the bundle in place of joi, of which mailauth's SPF asks one thing: whether a domain name is one. joi hands that on to this function;
// what else it can do takes 50 ms and 4 MB in every scan thread. Held against joi by test/src/facts/stand-ins.test.ts.
const { isDomainValid } = require('@hapi/address')

const string = () => ({
  domain: (options) => ({
    validate: (value) => ({ error: isDomainValid(value, options) ? undefined : new Error('no domain name') }),
  }),
  // For DKIM, which is not mailauth's here.
  base64: () => undefined,
})

module.exports = { string }
