import { PassThrough } from 'node:stream'
import t from 'tap'
import { askPassphrase } from '../../../src/node/identity/passphrase-prompt.ts'

function terminal() {
  const [input, output] = [new PassThrough(), new PassThrough()]
  output.setEncoding('utf8')
  return { input, output, shown: () => String(output.read() ?? '') }
}

t.test('what is typed is the passphrase, and nothing of it is shown', async (t) => {
  const { input, output, shown } = terminal()
  const asked = askPassphrase('Passphrase', { input, output })
  input.write('wrong\u007f\u007f\u007f\u007f\u007f s\u00e9cret \r')
  t.equal(await asked, ' s\u00e9cret ', 'blanks and corrections are what they are at a terminal')
  t.equal(shown(), 'Passphrase: \n')
})

t.test('nothing typed, an interrupt and a terminal that closes are told', async (t) => {
  for (const typed of ['\r', '\u0003', '\u0004', undefined]) {
    const { input, output } = terminal()
    const asked = askPassphrase('Passphrase', { input, output })
    if (typed === undefined) input.end()
    else input.write(typed)
    await t.rejects(asked, { code: 'key_file_unreadable', message: /none was given/ })
  }
})
