import { deepEqual, doesNotMatch } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { CsvMalformed, cellText, csvRecord, csvRecords, safeText } from '../../src/runtime/csv.ts'

const text = fc.string({
  unit: fc.constantFrom('a', '"', ',', ';', '\r', '\n', ' ', '=', '+', '-', '@', "'", '1', '.', '\t', 'ü', '😀', '＝'),
})

t.test('what is written is read again', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(text, fc.integer()), { minLength: 1, maxLength: 5 }), (cells) => {
      const [read, ...others] = csvRecords(`a,b\r\n${csvRecord(cells)}`, 100).slice(1) as [string[]]
      deepEqual(others, [])
      deepEqual(
        read.map((cell) => cellText(cell)),
        cells.map(String),
      )
    }),
  )
})

/** As a spreadsheet takes it that looks for another separator: a quote counts only where a cell begins. */
function leniently(record: string, separator: string): string[] {
  const cells: string[] = []
  for (let rest = record; rest !== ''; ) {
    const [whole, quoted, tail = '', plain = ''] = new RegExp(
      `^(?:"((?:[^"]|"")*)"([^${separator}\\r\\n]*)|([^${separator}\\r\\n]*))(?:${separator}|\\r\\n|\\r|\\n|$)`,
    ).exec(rest) as unknown as [string, string?, string?, string?]
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"') + tail)
    rest = rest.slice(Math.max(1, whole.length))
  }
  return cells
}

t.test('no cell begins like a formula, whatever is taken for what stands between cells', async () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (cells) => {
      const record = csvRecord(cells)
      for (const separator of [',', ';', '\t']) {
        for (const cell of leniently(record, separator)) {
          const isNumber = /^[+-]?[0-9]+(\.[0-9]+)?(?:,|$)/.test(cell)
          if (!isNumber) doesNotMatch(cell, /^["\s]*[=+\-@＝]/, JSON.stringify({ record, separator, cell }))
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

t.test('cells that spreadsheets run', async (t) => {
  for (const cell of ['=1+1', '+cmd|x', '-2+3', '@SUM(A1)', '＝1', '-1e5', '＋1', '－1', '＠A']) {
    t.equal(safeText(cell), `'${cell}`)
  }
  t.equal(safeText('\t=1'), "\t'=1")
  t.equal(safeText('a;=1+1'), "a;'=1+1", 'for who takes semicolons')
  t.equal(safeText('a\t"=1+1'), 'a\t"\'=1+1', 'for who takes tabs')
  t.equal(safeText('a\n=1'), "a\n'=1")
  for (const cell of ['-12.50', '+3', '0', 'a=1', "'a", '', 'a, b', 'a-b', 'x@y.example']) t.equal(safeText(cell), cell)
  t.equal(csvRecord(['a', null, 3]), 'a,,3\r\n')
})

t.test('spreadsheets separate by semicolons or tabs, and end lines as they like', async (t) => {
  t.same(csvRecords('a;b\n1,5;"x;y"\n', 9), [
    ['a', 'b'],
    ['1,5', 'x;y'],
  ])
  t.same(csvRecords('a\tb\r1\t', 9), [
    ['a', 'b'],
    ['1', ''],
  ])
  t.same(csvRecords('', 9), [])
  t.same(csvRecords('a,', 9), [['a', '']])
  t.same(csvRecords(',a\r\n\r\n', 9), [['', 'a'], ['']])
})

t.test('what is no CSV, or too much of it, is refused', async (t) => {
  for (const wrong of ['a"b', '"a', '"a"b', '"a" ,b', 'a,b\n"'])
    t.throws(() => csvRecords(wrong, 9), CsvMalformed, wrong)
  t.throws(() => csvRecords('a,b\nc,d\n', 3), CsvMalformed)
  fc.assert(
    fc.property(fc.string(), (any) => {
      try {
        csvRecords(any, 50)
      } catch (error) {
        if (!(error instanceof CsvMalformed)) throw error
      }
    }),
  )
})
