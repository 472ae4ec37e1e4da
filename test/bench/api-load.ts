import { connect } from 'node:net'
import { measured } from './measured.ts'

/**
 * `node api-load.ts <port> <path> <requests> [header…]`, with a channel to its parent: asks for a path again and again on some connections, a quarter
 * so often to warm up, and then, when its parent says so, as often as it was told: a process of its own, so that the server's processor time is the server's alone. On a connection the next request waits for
 * the answer to the one before, as with every client there is: none sends several at once on HTTP/1.1 unless told to.
 */
const [port = '', path = '', count = '', ...headers] = process.argv.slice(2)
const CONNECTIONS = 16
const UNDER_WAY = 1
const request = `GET ${path} HTTP/1.1\r\nhost: bench\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`
const ANSWER = /HTTP\/1\.1 (\d{3})/g

await measured(
  () => ask(Number(count) / 4),
  () => ask(Number(count)),
)

function ask(wanted: number): Promise<unknown> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => askAll(Math.ceil(wanted / CONNECTIONS))))
}

function askAll(wanted: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let [asked, answered, rest] = [0, 0, '']
    const socket = connect(Number(port), '127.0.0.1')
    const askMore = () => {
      const more = Math.min(UNDER_WAY - (asked - answered), wanted - asked)
      asked += more
      if (more > 0) socket.write(request.repeat(more))
    }
    socket.on('connect', askMore)
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      const text = rest + bytes.toString('latin1')
      for (const [, status] of text.matchAll(ANSWER)) {
        if (status !== '200') reject(new Error(text.slice(0, 1000)))
        answered++
      }
      // A status line may come in two pieces.
      const last = text.lastIndexOf('HTTP/1.1 ')
      rest = text.length - last < 12 && last !== -1 ? text.slice(last) : text.slice(-8).replaceAll('HTTP/1.1 ', '')
      if (answered < wanted) return askMore()
      socket.end()
      resolve()
    })
  })
}
