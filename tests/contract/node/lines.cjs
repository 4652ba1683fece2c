// The JSON objects on standard input, one a line.
const fs = require('node:fs');

exports.lines = () => fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
