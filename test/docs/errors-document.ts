import { answerCodes } from '../../src/api/http/problem.ts'
import { voidCodes } from '../../src/events/outcome.ts'
import { errorCodes } from '../../src/runtime/errors.ts'

function rows(codes: Readonly<Record<string, string>>): string {
  return Object.entries(codes)
    .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
    .join('\n')
}

/** What docs/errors.md must be: the registries as tables. */
export function errorsDocument(): string {
  return `# Errors

Every error carries a stable code. In the API it is the member \`code\` of a problem document (RFC 9457); on the command line
it stands in brackets. This page is made from the registries: \`node test/docs/write-errors.ts\`.

## Codes of errors

| code | meaning |
|---|---|
${rows(errorCodes)}

## Codes of answers

Only answers of the inward API carry them ([api.md](api.md)).

| code | meaning |
|---|---|
${rows(answerCodes)}

## Codes of void requests

Why the rules of a contract made a request void. They stand in ledger entries and are part of the protocol.

| code | meaning |
|---|---|
${rows(voidCodes)}
`
}
