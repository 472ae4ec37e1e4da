import t from 'tap'
import { answerCodes } from '../../../src/api/http/problems/problem.ts'
import { voidCodes } from '../../../src/events/outcome.ts'
import { errorCodes } from '../../../src/runtime/errors.ts'
import { exactNode, JSON_TYPE } from '../../support/exact-node.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(120_000)

/** Of the kinds of the Big List of Naughty Strings, some of each: what programs take for something else, or cannot take. */
const naughty = [
  ...['', ' ', '\t', '\n', '\r\n', '\v', '\f', '\u00a0', '\u2028', '\u3000', ' a ', 'a\nb'],
  ...[
    'undefined',
    'null',
    'NaN',
    'true',
    'nil',
    '-',
    '--',
    '0',
    '-0',
    '1e309',
    '0x1F',
    '1/0',
    '١٢٣',
    '1,000.00',
    '½',
    '٫',
  ],
  ...[
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'toString',
    '$field',
    '$value',
    '$',
    '{}',
    '[]',
    '[0]',
    'a[0]',
    'a[x = 1]',
  ],
  ...[
    '.',
    '..',
    '../../etc/passwd',
    '/',
    '\\',
    'C:\\nul',
    '%',
    '%00',
    '%2e%2e',
    'a%2Fb',
    '?',
    '#',
    'a?dry-run',
    '~',
    '~rules',
    'a#b',
    '*',
  ],
  ...[
    "'",
    '"',
    '`',
    "'; DROP TABLE Element; --",
    '" OR ""="',
    `\${7*7}`,
    '{{7*7}}',
    '<script>alert(1)</script>',
    '<!DOCTYPE x [<!ENTITY e "x">]>',
    '&amp;',
    ']]>',
  ],
  ...[
    '\u0000',
    '\u0001',
    '\u001b[31m',
    '\u007f',
    '\u0085',
    '\u200b',
    '\u200e',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\ufffe',
    '\uffff',
    '\ue000',
    '\u{10ffff}',
    '\ud800',
    '\udc00x',
  ],
  ...[
    'e\u0301',
    '\u00e9',
    'Å',
    'Å',
    'ﷺ',
    'Ω',
    'ǆ',
    'İ',
    'ß',
    'ﬀ',
    'паypal',
    '田中さん',
    'العربية',
    'ทดสอบ',
    '👩‍👩‍👧‍👦',
    '🏳0️⃣',
    '𝕋𝕖𝕤𝕥',
    'Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤',
  ],
  ...['=1+1', '+1', '@SUM(A1)', '-2+3+cmd', 'CON', 'aux', 'a'.repeat(200), 'a'.repeat(201), 'x'.repeat(100_000)],
]

const codes = new Set([...Object.keys(errorCodes), ...Object.keys(answerCodes), ...Object.keys(voidCodes)])

t.test('a naughty string is what it is, or refused with a code, and then nothing is signed', async (t) => {
  const { root, send, json, size } = await exactNode(t, {
    Text: 'as it was',
    Choice: { $field: { type: 'choice', options: ['one'] } },
    Day: { $field: { type: 'date' } },
    List: { $list: { entry: { Key: { $field: { type: 'text' } } }, entriesMax: 500, key: 'Key' } },
  })
  /** Whether it was taken. */
  const isTaken = async (what: string, asked: ReturnType<typeof send>): Promise<boolean> => {
    const { code = '', status } = await asked
    const isPromised = status < 300 || (status >= 400 && status < 500 && codes.has(code))
    if (!isPromised) t.fail(`${what}: ${status} ${code}`)
    return status < 300
  }
  const invitations = `/api/Contract/${root.slice('/new-api/'.length)}/Invitations`
  for (const [place, text] of naughty.entries()) {
    const string = JSON.stringify(text)
    // What stands in it would be no name of a test.
    const what = `${place}`
    if (await isTaken(`value ${what}`, json('PUT', `${root}/Text`, string))) {
      t.equal((await send(`GET ${root}/Text`, { accept: JSON_TYPE })).text, string, `value ${what} is itself`)
    } else t.notOk(text.isWellFormed() && !text.includes('\0') && text.length < 10_000, `value ${what} is refused`)
    if (await isTaken(`name ${what}`, json('POST', root, JSON.stringify({ [`${text}`]: 1 })))) {
      const at = `${root}/${encodeURIComponent(text)}`
      t.equal((await send(`GET ${at}`)).text, '1', `name ${what} is found`)
      t.equal((await send(`DELETE ${at}`)).status, 200)
    }
    await isTaken(`key ${what}`, json('POST', `${root}/List`, JSON.stringify({ Key: text })))
    // Each that is taken founds a contract.
    if (place % 8 === 0) await isTaken(`title ${what}`, json('POST', '/api/Contract', JSON.stringify({ title: text })))
    const before = await size()
    const path = `${root}/${encodeURIComponent(`Nobody ${text.toWellFormed()}`)}/x`
    const refused = {
      choice: json('PUT', `${root}/Choice`, string),
      day: json('PUT', `${root}/Day`, string),
      party: json('POST', invitations, JSON.stringify({ party: text })),
      path: json('PUT', path, '"x"'),
    }
    for (const [field, asked] of Object.entries(refused))
      t.notOk(await isTaken(`${field} ${what}`, asked), `${field} ${what}`)
    t.equal(await size(), before, `nothing of ${what} is signed that is refused`)
  }
  t.equal((await send('GET /health')).status, 200)
})
