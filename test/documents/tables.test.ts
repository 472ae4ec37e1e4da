import { deepEqual } from 'node:assert/strict'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { csvOfTable, tableOfCsv } from '../../src/documents/tables/csv-table.ts'
import { tableOfXlsx, WorkbookMalformed, xlsxOfTable } from '../../src/documents/tables/xlsx.ts'
import { ZipMalformed, zipOf } from '../../src/documents/tables/zip.ts'

const cell = fc.option(
  fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom("'", '=', '-', ';', '\t', '\r', '\n', '"', '_x000D_', '<', '&', ' ', '\u0000', '\ufffe'),
    }),
  ),
)
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc
      .tuple(
        fc.array(fc.constantFrom('a', 'b,c', 'd;e', 'ü'), { minLength: width, maxLength: width }),
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 5 }),
      )
      .map(([head, rows]) => [head, ...rows]),
  )

t.test('a table is the same again: as CSV, and as a workbook', async (t) => {
  fc.assert(
    fc.property(table, (rows) => {
      deepEqual(tableOfXlsx(xlsxOfTable(rows)), rows)
      // UTF-8 has no half of a pair.
      const wellFormed = rows.map((cells) => cells.map((one) => one?.toWellFormed() ?? null))
      deepEqual(tableOfCsv(csvOfTable(wellFormed)), wellFormed)
    }),
    { numRuns: 300 },
  )
  t.ok(xlsxOfTable([['a']]).equals(xlsxOfTable([['a']])), 'the same bytes each time')
})

const sheet = (rows: string) =>
  `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${rows}</sheetData></worksheet>`
const WORKBOOK =
  '<workbook xmlns:r="x"><sheets><sheet name="S" sheetId="1" r:id="rId9"/><sheet name="T" sheetId="2" r:id="rId1"/></sheets></workbook>'
const RELATIONS =
  '<Relationships><Relationship Id="rId1" Target="none.xml"/><Relationship Id="rId9" Target="/xl/worksheets/first.xml"/></Relationships>'
const workbook = (rows: string, more: readonly (readonly [string, string])[] = []) =>
  zipOf([
    ['xl/workbook.xml', WORKBOOK],
    ['xl/_rels/workbook.xml.rels', RELATIONS],
    ['xl/worksheets/first.xml', sheet(rows)],
    ...more,
  ])

t.test('workbooks of other programs: shared texts, numbers, booleans, gaps, what is written by number', async (t) => {
  const strings =
    '<sst><si><t>a</t></si><si><r><t>b</t></r><r><t xml:space="preserve"> c</t></r><rPh><t>no</t></rPh></si></sst>'
  const rows =
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>' +
    '<row r="5"><c r="A5"><v>1.50</v></c><c r="B5" t="b"><v>1</v></c><c r="C5" t="str"><v>x_x000D_y</v></c></row>' +
    '<row r="6"/><row r="7"><c t="inlineStr"><is><t>&lt;</t></is></c></row>'
  t.same(tableOfXlsx(workbook(rows, [['xl/sharedStrings.xml', strings]])), [
    ['a', null, 'b c'],
    ...Array(3).fill([null, null, null]),
    ['1.50', 'true', 'x\ry'],
    [null, null, null],
    ['<', null, null],
  ])
  const far = '<row r="3"><c t="str"><v>a</v></c></row><row r="1048576"/>'
  t.equal(tableOfXlsx(workbook(far)).length, 20_000, 'of empty rows at the end there are not more than cells')
})

t.test('a number of a spreadsheet is what was typed, not the double that stands for it', async (t) => {
  for (const [written, meant] of [
    // As Excel writes 1.1, 0.1, 1e-5, 29.9, -4.35 and 100.
    ['1.1000000000000001', '1.1'],
    ['0.10000000000000001', '0.1'],
    ['1.0000000000000001E-5', '0.00001'],
    ['29.899999999999999', '29.9'],
    ['-4.3499999999999996', '-4.35'],
    ['100', '100'],
    ['1E+20', '100000000000000000000'],
    // As others write numbers.
    ['12.50', '12.50'],
    ['12345678901234567890.12', '12345678901234567890.12'],
    ['10000000000000001', '10000000000000001'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['no number', 'no number'],
  ] as const)
    t.same(tableOfXlsx(workbook(`<row><c><v>${written}</v></c></row>`)), [[meant]], written)
})

t.test('a hostile workbook is refused before it is unpacked', async (t) => {
  const refused = (bytes: Buffer, why: string, limit?: { name: string; max: number }) => {
    try {
      tableOfXlsx(bytes)
      t.fail(why)
    } catch (error) {
      const isKnown = error instanceof ZipMalformed || error instanceof WorkbookMalformed
      t.ok(isKnown, `${why}: ${error}`)
      if (isKnown && limit !== undefined) t.same(error.evidence.limit, limit, why)
    }
  }
  refused(workbook('<row><c t="e"><v>#REF!</v></c></row>'), 'an error')
  refused(workbook('<row><c><f>1+1</f><v>2</v></c></row>'), 'a formula')
  refused(workbook('<row><c t="s"><v>7</v></c></row>'), 'a text that is not there')
  const second = '<row r="1"><c><v>1</v></c></row><row r="3"><c/><c t="e"><f>A1/0</f><v>#DIV/0!</v></c></row>'
  t.throws(() => tableOfXlsx(workbook(second)), { message: /B3 has a formula/ })
  t.throws(() => tableOfXlsx(workbook(second.replace(/<f>.*<.f>/, ''))), { message: /B3 is an error/ })
  refused(workbook('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'), 'cells in no order')
  refused(workbook('<row><c r="ZZZ1"><v>1</v></c></row>'), 'a column far away', { name: 'columns', max: 1_000 })
  refused(workbook('<row><c r="nowhere"><v>1</v></c></row>'), 'a cell nowhere')
  refused(workbook(`<row>${'<c><v>1</v></c>'.repeat(20_001)}</row>`), 'too many cells', {
    name: 'cells',
    max: 20_000,
  })
  const wide = `<row>${'<c><v>1</v></c>'.repeat(1000)}</row>`
  refused(workbook(`${wide}${'<row><c><v>1</v></c></row>'.repeat(20)}`), 'too many cells that are not written', {
    name: 'cells',
    max: 20_000,
  })
  refused(workbook('<row r="1"><c><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>'), 'too many rows between')
  refused(workbook('<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>'), 'rows in no order')
  refused(workbook('<row r="first"><c><v>1</v></c></row>'), 'a row nowhere')
  refused(workbook('<row>', []), 'no XML')
  refused(
    zipOf([
      ['xl/workbook.xml', `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(1000)}">]><workbook>&a;</workbook>`],
      ['xl/_rels/workbook.xml.rels', RELATIONS],
    ]),
    'entities',
  )
  refused(workbook(' '.repeat(5_000_000)), 'a bomb that says how large it is', {
    name: 'unpackedBytes',
    max: 4_194_304,
  })
  const lying = workbook('a'.repeat(3_000_000))
  for (let at = 0; at < lying.length - 4; at++) {
    // The directory says 10 bytes where there are three million.
    if (lying.readUInt32LE(at) === 0x02014b50 && lying.readUInt32LE(at + 24) > 3_000_000)
      lying.writeUInt32LE(10, at + 24)
  }
  refused(lying, 'a bomb that does not')
  refused(zipOf([['other.txt', 'x']]), 'another ZIP file')
  refused(zipOf([['xl/workbook.xml', WORKBOOK]]), 'half of one')
  refused(zipOf(Array.from({ length: 201 }, (_, n) => [String(n), ''] as const)), 'too many files', {
    name: 'files',
    max: 200,
  })
  refused(
    zipOf([
      ['a', ''],
      ['a', ''],
    ]),
    'two files of one name',
  )
  refused(Buffer.alloc(0), 'nothing')
  refused(deflateRawSync(Buffer.alloc(100_000)), 'no ZIP file')
  const whole = workbook('<row><c><v>1</v></c></row>')
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(whole)
      damaged[at] = byte
      try {
        tableOfXlsx(damaged)
      } catch (error) {
        if (!(error instanceof ZipMalformed || error instanceof WorkbookMalformed)) throw error
      }
    }),
    { numRuns: 1_000 },
  )
  for (let length = 0; length < whole.length; length += 7)
    refused(whole.subarray(0, length), `the first ${length} bytes`)
})
