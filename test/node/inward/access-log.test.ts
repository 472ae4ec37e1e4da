import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AccessLog, AccessLogFailed } from '../../../src/node/inward/access-log.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { startProcess } from '../../support/store-process.ts'

const call = (n: number) => ({ who: 'erp', method: 'PUT', path: `/new-api/${n}`, call: `req-${n}` })

function start(t: Test) {
  const path = join(t.testdir(), 'access.log')
  const failures: unknown[] = []
  const log = new AccessLog(path, systemClock, (error) => failures.push(error))
  t.teardown(() => log.close())
  return { path, log, failures }
}

/** `3` for what was asked, `3 200` for what was answered. */
const linesIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ path, status }) => [path.split('/').at(-1), status].join(' ').trim())

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

t.test('a line stands in the file when the call goes on', async (t) => {
  const { path, log } = start(t)
  log.asked(call(1))
  t.same(linesIn(path), ['1'])
  t.equal(statSync(path).mode & 0o777, 0o600)
})

t.test('lines stand in the order in which things happened, those of answers by the end of the turn', async (t) => {
  const { path, log } = start(t)
  log.asked(call(1))
  log.answered(call(1), 200)
  log.answered(call(2), 401)
  log.asked(call(3))
  t.same(linesIn(path), ['1', '1 200', '2 401', '3'])
  log.answered(call(3), 503)
  await nextTurn()
  t.same(linesIn(path), ['1', '1 200', '2 401', '3', '3 503'])
})

t.test('closing writes what waits', async (t) => {
  const { path, log } = start(t)
  log.answered(call(1), 200)
  log.close()
  t.same(linesIn(path), ['1 200'])
})

t.test('whoever moves the file away finds no line in it that is written later', async (t) => {
  const { path, log } = start(t)
  log.asked(call(1))
  renameSync(path, `${path}.1`)
  log.asked(call(2))
  renameSync(path, `${path}.2`)
  log.answered(call(2), 200)
  await nextTurn()
  t.same([linesIn(`${path}.1`), linesIn(`${path}.2`), linesIn(path)], [['1'], ['2'], ['2 200']])
})

t.test('while it cannot be written nothing may be done, and no line of an answer is lost', async (t) => {
  const { path, log, failures } = start(t)
  log.asked(call(1))
  rmSync(path)
  mkdirSync(path)
  log.answered(call(1), 200)
  await nextTurn()
  t.match(failures, [{ code: 'EISDIR' }])
  t.throws(() => log.asked(call(2)), AccessLogFailed)
  rmSync(path, { recursive: true })
  log.asked(call(3))
  t.same(linesIn(path), ['1 200', '3'])
})

t.test('of answers that cannot be written so many wait, and of each that is lost the node is told', async (t) => {
  const { path, log, failures } = start(t)
  mkdirSync(path)
  for (let n = 0; n < 1_005; n++) log.answered(call(n), 401)
  await nextTurn()
  t.equal(failures.filter((error) => /lacks a line/.test(String(error))).length, 5)
  rmSync(path, { recursive: true })
  log.asked(call(2_000))
  const lines = linesIn(path)
  t.same([lines.length, lines[0], lines[999], lines[1_000]], [1_001, '0 401', '999 401', '2000'])
})

t.test('a line that a full disk has cut is not joined with the next one', async (t) => {
  const path = join(t.testdir(), 'access.log')
  // 512 bytes a block: the limit comes in the middle of a line.
  const filler = startProcess(t, 'access-log-filler.ts', [path], { fileBlocksMax: 5 })
  t.equal(await filler.nextLine(), 'access_log_failed')
  t.equal(await filler.ended, 0)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  t.throws(() => JSON.parse(lines.at(-2) as string), 'the line that was cut')
  t.match(JSON.parse(lines.at(-1) as string), { path: '/new-api/1000000' })
})
