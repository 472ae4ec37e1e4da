/** So many fill a line of 120 with the indent, the quotes and the comma. */
const COLUMNS = 113

/** A packed table as a literal, as Biome formats it: one text in as many lines as it takes. */
export function packedLines(packed: string): string {
  const parts: string[] = []
  for (let at = 0; at < packed.length; at += COLUMNS) parts.push(`    '${packed.slice(at, at + COLUMNS)}',`)
  return `[\n${parts.join('\n')}\n  ].join('')`
}
