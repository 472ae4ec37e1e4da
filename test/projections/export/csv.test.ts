import fc from 'fast-check'
import t from 'tap'
import { csvRecord } from '../../../src/projections/export/csv.ts'

/** A reader of RFC 4180 by itself: the cells of one record. */
function read(record: string): string[] {
  const cells: string[] = []
  let rest = record
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|\r\n)/.exec(rest)
    const plain = /^([^",\r\n]*)(,|\r\n)/.exec(rest)
    const [whole, cell, end] = (quoted ?? plain) as unknown as [string, string, string]
    cells.push(quoted === null ? cell : cell.replaceAll('""', '"'))
    rest = rest.slice(whole.length)
    if (end === '\r\n') return cells
  }
}

const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', ' ', '=', '-', '1', '.', '\t', 'ü', '😀') })

t.test('what is written is read again, and no cell begins like a formula', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(text, fc.integer()), { minLength: 1, maxLength: 5 }), (cells) => {
      const found = read(csvRecord(cells))
      for (const [index, cell] of cells.entries()) {
        const shown = found[index] as string
        t.ok(shown === String(cell) || shown === `'${cell}`)
        if (/^[=+\-@\t\r\n]/.test(shown)) t.match(shown, /^[+-]?[0-9]+(\.[0-9]+)?$/, 'unless it is a number')
      }
    }),
  )
})

t.test('cells that spreadsheets run', async (t) => {
  for (const cell of ['=1+1', '+cmd|x', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '＝1', '-1e5']) {
    t.equal(read(csvRecord([cell]))[0], `'${cell}`)
  }
  for (const cell of ['-12.50', '+3', '0', 'a=1', "'=1", '']) t.equal(read(csvRecord([cell]))[0], cell)
  t.equal(csvRecord(['a', null, 3]), 'a,,3\r\n')
})
