import { once } from 'node:events'
import Database from 'better-sqlite3'

// As somebody's `sqlite3` shell that holds the file argv[2] locked; each line on its input takes the lock, or lets go of it.
const database = new Database(process.argv[2] ?? '', { timeout: 5_000 })
for (;;) {
  database.exec('BEGIN EXCLUSIVE')
  console.log('locked')
  await once(process.stdin, 'data')
  database.exec('COMMIT')
  console.log('free')
  await once(process.stdin, 'data')
}
