export { JsonLinesRecordLogger, type JsonLinesOptions } from './json-lines.ts'
