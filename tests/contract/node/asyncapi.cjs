// Holds a document against the official JSON Schema of AsyncAPI 3.0: asyncapi.cjs FILE. Prints what is wrong.
const fs = require('node:fs');
const Ajv = require('ajv');
const addFormats = require('ajv-formats');
const specs = require('@asyncapi/specs');

const ajv = addFormats(new Ajv({ allErrors: true, strict: false }));
const validate = ajv.compile(specs.schemasWithoutId['3.0.0']);
const document = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(validate(document) ? [] : validate.errors));
