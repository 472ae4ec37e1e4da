import t from 'tap'
import { BoundedCache } from '../../src/crypto/bounded-cache.ts'

t.test('what was used last stays, what was not goes', async (t) => {
  const cache = new BoundedCache<number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  t.equal(cache.get('a'), 1)
  cache.set('c', 3)
  t.equal(cache.get('b'), undefined)
  t.equal(cache.get('a'), 1)
  t.equal(cache.get('c'), 3)
})

t.test('setting a key again takes no room', async (t) => {
  const cache = new BoundedCache<number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.set('a', 3)
  t.equal(cache.size, 2)
  t.equal(cache.get('a'), 3)
  t.equal(cache.get('b'), 2)
})

t.test('many different keys cannot fill the memory', async (t) => {
  const cache = new BoundedCache<true>(100)
  for (let i = 0; i < 1000; i++) cache.set(`key ${i}`, true)
  t.equal(cache.size, 100)
})
