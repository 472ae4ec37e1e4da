import { createInterface } from 'node:readline/promises'

/** What a command is asked for goes to standard output; what went wrong, and questions, to standard error. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function complain(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Whether a person types yes. */
export async function askYes(question: string): Promise<boolean> {
  const dialogue = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await dialogue.question(question)).trim().toLowerCase() === 'yes'
  } finally {
    dialogue.close()
  }
}

/** Columns as wide as their widest cell, two spaces apart; a line under the headings unless they are all empty. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), heading.length),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const body = rows.map(line)
  if (headings.every((heading) => heading === '')) return body.join('\n')
  return [line(headings), widths.map((width) => '─'.repeat(width)).join('  '), ...body].join('\n')
}
