const MEGA = 1024 * 1024

export const HEADER = '{"contracts":{},"v":1}'

/** Megabytes of nothing, each of another kind. */
export const bodies: { readonly [what: string]: string } = {
  'line feeds': '\n'.repeat(4 * MEGA),
  'lines of zeros': '0\n'.repeat(2 * MEGA),
  'an array of zeros': `[${'0,'.repeat(2 * MEGA)}0]`,
  brackets: '['.repeat(4 * MEGA),
  'members of one object': `{${Array.from({ length: 300_000 }, (_, at) => `"a${at}":0`)}}`,
  'members of many objects': `[${Array.from({ length: 130_000 }, (_, at) => `{"k${at}":0}`)}]`,
  'contracts and places': `{"contracts":{${Array.from({ length: 900 }, (_, uid) => `"${uid}":{${Array.from({ length: 200 }, (__, at) => `"h${uid}x${at}":0`)}}`)}},"v":1}`,
  'forms of which everything is wrong':
    `{"payloads":{${Array.from({ length: 30_000 }, (_, at) => `"a${at}":0`)}},"signature":"","statement":{}}\n`.repeat(
      8,
    ),
}
