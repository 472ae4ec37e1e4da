import t from 'tap'
import { IncomingRoom, takeIn } from '../../src/documents/attachments/incoming-file.ts'
import { CONTENT_PIECE_BYTES } from '../../src/events/attachments/content.ts'
import { contentOf } from '../../src/merkle/content-tree.ts'
import { bytesWith } from '../support/attachments.ts'

async function* inChunks(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

t.test('a file is the same content however it comes', async (t) => {
  const bytes = bytesWith(3)
  for (const length of [1_000, CONTENT_PIECE_BYTES, CONTENT_PIECE_BYTES + 1, bytes.length]) {
    const { pieces, hash, bytes: taken } = await takeIn(inChunks(bytes, length), bytes.length, new IncomingRoom())
    t.same({ hash, bytes: taken }, contentOf(bytes))
    t.equal(Buffer.compare(Buffer.concat(pieces), bytes), 0)
  }
})

t.test('files that are being taken in have their room, and no more', async (t) => {
  const room = new IncomingRoom(3 * CONTENT_PIECE_BYTES)
  const bytes = bytesWith(2)
  const take = () => takeIn(inChunks(bytes, 50_000), bytes.length, room)
  const one = await take()
  await t.rejects(take(), { code: 'requests_too_many' })
  one.release()
  one.release()
  const [again] = [await take()]
  again.release()
  await t.rejects(takeIn(inChunks(bytes, 50_000), bytes.length - 1, room), { code: 'file_unfit' })
  await t.rejects(takeIn(inChunks(new Uint8Array(), 1), 10, room), { code: 'file_unfit' })
  const whole = await takeIn(inChunks(bytesWith(3), 50_000), 3 * CONTENT_PIECE_BYTES, room)
  t.equal(whole.pieces.length, 3, 'what was refused has given its room back')
})
