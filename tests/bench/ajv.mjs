// The peer of bench_schema.c: ajv's compiled validator.
//   node ajv.mjs NODE_MODULES SCHEMA DIRECTORY ROUNDS   in a warm process; prints one line of JSON a round
//   node ajv.mjs NODE_MODULES SCHEMA DIRECTORY once     the files read, judged and left, as a command would
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [modules, schema, directory, rounds] = process.argv.slice(2);
const require = createRequire(join(modules, "x"));
const ajv = new (require("ajv/dist/2020").default)({ strict: false });
require("ajv-formats").default(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
const names = readdirSync(directory).sort();
const read = (name) => readFileSync(join(directory, name), "utf8");

if (rounds === "once") {
  let valid = 0;
  for (const name of names) valid += validate(JSON.parse(read(name))) ? 1 : 0;
  console.log(JSON.stringify({ files: names.length, valid }));
  process.exit(0);
}
const texts = names.map(read);
const parsed = texts.map((text) => JSON.parse(text));
const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
for (let i = 0; i < Number(rounds); i++) {
  let valid = 0;
  let again = 0;
  const start = performance.now();
  for (const text of texts) valid += validate(JSON.parse(text)) ? 1 : 0;
  const both = performance.now();
  for (const value of parsed) again += validate(value) ? 1 : 0;
  const end = performance.now();
  if (again !== valid) throw new Error("the verdicts differ");
  console.log(JSON.stringify({ files: texts.length, bytes, valid, text_ms: both - start, validate_ms: end - both }));
}
