import {
  ElementIdSchema,
  HandleSchema,
  HashSchema,
  ProposalIdSchema,
  PublicKeySchema,
  SignatureSchema,
  TimeSchema,
  UidSchema,
} from '../../events/ids.ts'

/** What people are shown for a text that has a form: a page makes one up from the form otherwise, which says nothing. By its pattern. */
export const EXAMPLES: ReadonlyMap<string, string> = new Map(
  (
    [
      [ElementIdSchema, '0.3.1'],
      [HandleSchema, 'acme-re'],
      [HashSchema, '3cc3a281793f7a0fe3d89dd35df9e50d3208443d84987571db5ddb28c8cdb2ce'],
      [ProposalIdSchema, 'acme-re.7.0.0'],
      [PublicKeySchema, `ed25519:CR87PWnxga9llAYh6YmEyxjMtC43ukuAPTtwzldNY24`],
      [
        SignatureSchema,
        `ed25519:PoZse_zJZSyQqo8-adcPugNX8YbaewQwJU5-lc_c2fgR6nDd6aLw3jmea4qWdVb1HenCWBy9HBIJmfM7AdAwCQ`,
      ],
      [TimeSchema, '2027-01-31T12:00:00.000Z'],
      [UidSchema, '03w7q2x925ewfafrpefd6mn9v90ym2hq13641n3jnvx0ejdffqg1'],
    ] as const
  ).map(([schema, example]) => [(schema as { pattern?: string }).pattern ?? '', example]),
)
