import type { Test } from 'tap'
import type { Handle, RequestRef } from '../../src/events/ids.ts'
import type { Kept, Snapshots } from '../../src/store/snapshot-port.ts'
import { nobodysUid } from './uid.ts'

const uid = nobodysUid
const ana = 'ana' as Handle
const ben = 'ben' as Handle

export function kept(what: Partial<Kept> = {}): Kept {
  return { snapshot: '{"a":1}', passive: '{"b":2}', parties: [ana], requests: new Map(), ...what }
}

/** What every adapter of `Snapshots` does (store/snapshot-port.ts). `open` gives one in which nothing is kept. */
export function snapshotsConformance(t: Test, open: (t: Test) => Snapshots): void {
  t.test('nothing is kept at first', async (t) => {
    const snapshots = open(t)
    t.equal(snapshots.position, undefined)
    t.equal(snapshots.passive(uid(1)), undefined)
    t.equal(snapshots.snapshot(uid(1)), undefined)
    t.same(snapshots.passiveWith(ana, '', 10), [])
    snapshots.wake(uid(1))
    t.equal(snapshots.passive(uid(1)), undefined)
  })

  t.test('what is kept is given back, until it is woken; the snapshot also then', async (t) => {
    const snapshots = open(t)
    snapshots.put(uid(1), kept(), 7)
    t.equal(snapshots.position, 7)
    t.equal(snapshots.passive(uid(1)), '{"b":2}')
    t.equal(snapshots.snapshot(uid(1)), '{"a":1}')
    snapshots.wake(uid(1))
    t.equal(snapshots.passive(uid(1)), undefined)
    t.equal(snapshots.snapshot(uid(1)), '{"a":1}')
    snapshots.put(uid(1), kept({ snapshot: '{"a":2}', passive: '{"b":3}' }), 9)
    t.equal(snapshots.position, 9)
    t.equal(snapshots.passive(uid(1)), '{"b":3}')
    t.equal(snapshots.snapshot(uid(1)), '{"a":2}')
  })

  t.test('one that is kept while it is active does not rest', async (t) => {
    const snapshots = open(t)
    snapshots.put(uid(1), kept(), 7, true)
    t.equal(snapshots.passive(uid(1)), undefined)
    t.equal(snapshots.snapshot(uid(1)), '{"a":1}')
    t.same(snapshots.passiveWith(ana, '', 10), [])
  })

  t.test('one that is dropped leaves nothing, and the others stay', async (t) => {
    const snapshots = open(t)
    const place: RequestRef = { handle: ana, seq: 1, index: 0 } as RequestRef
    const requests = new Map([['asked', place]])
    for (const n of [1, 2]) snapshots.put(uid(n), kept({ requests }), n)
    snapshots.drop(uid(1))
    t.equal(snapshots.passive(uid(1)), undefined)
    t.equal(snapshots.snapshot(uid(1)), undefined)
    t.equal(snapshots.placeOf(uid(1), 'asked'), undefined)
    t.same(snapshots.passiveWith(ana, '', 9), [uid(2)])
    t.same(snapshots.placeOf(uid(2), 'asked'), place)
    t.equal(snapshots.position, 2)
    snapshots.drop(uid(3))
  })

  t.test('the contracts at rest that a party may see come in the order of their UIDs, piece by piece', async (t) => {
    const snapshots = open(t)
    for (const n of [5, 3, 1, 4, 2]) snapshots.put(uid(n), kept({ parties: n === 3 ? [ben] : [ana, ben] }), n)
    t.same(snapshots.passiveWith(ana, '', 3), [uid(1), uid(2), uid(4)])
    t.same(snapshots.passiveWith(ana, uid(4), 3), [uid(5)])
    t.same(snapshots.passiveWith(ben, uid(2), 1), [uid(3)])
    snapshots.wake(uid(4))
    t.same(snapshots.passiveWith(ana, '', 9), [uid(1), uid(2), uid(5)])
    snapshots.put(uid(5), kept({ parties: [ben] }), 9)
    t.same(snapshots.passiveWith(ana, '', 9), [uid(1), uid(2)], 'who may not see it any more')
  })

  t.test('requests are found by contract and id, also those that were kept earlier', async (t) => {
    const snapshots = open(t)
    const place = (seq: number): RequestRef => ({ handle: ana, seq, index: 0 })
    snapshots.put(uid(1), kept({ requests: new Map([['x', place(1)]]) }), 1)
    snapshots.put(uid(1), kept({ requests: new Map([['y', place(2)]]) }), 2)
    t.same(snapshots.placeOf(uid(1), 'x'), place(1))
    t.same(snapshots.placeOf(uid(1), 'y'), place(2))
    t.equal(snapshots.placeOf(uid(2), 'x'), undefined)
    snapshots.put(uid(1), kept({ requests: new Map([['x', place(5)]]) }), 3)
    t.same(snapshots.placeOf(uid(1), 'x'), place(5), 'the newest of one id')
    t.not(snapshots.placeOf(uid(1), 'x'), snapshots.placeOf(uid(1), 'x'), 'a copy each time')
  })

  t.test('forgotten, nothing is left', async (t) => {
    const snapshots = open(t)
    snapshots.put(uid(1), kept({ requests: new Map([['x', { handle: ana, seq: 1, index: 0 }]]) }), 1)
    snapshots.clear()
    t.equal(snapshots.position, undefined)
    t.equal(snapshots.snapshot(uid(1)), undefined)
    t.equal(snapshots.placeOf(uid(1), 'x'), undefined)
    t.same(snapshots.passiveWith(ana, '', 10), [])
  })
}
