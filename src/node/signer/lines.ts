import type { Socket } from 'node:net'
import { LINE_CHARACTERS_MAX } from './protocol.ts'

/** Hands on each line of a socket, without its end. One that is too long ends the connection. */
export function readLines(socket: Socket, took: (line: string) => void): void {
  // Put together once it is whole: a long one comes in hundreds of pieces.
  let rest: string[] = []
  let characters = 0
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const pieces = text.split('\n')
    const last = pieces.pop() as string
    for (const piece of pieces) {
      const line = [...rest, piece].join('')
      rest = []
      characters = 0
      took(line)
    }
    rest.push(last)
    characters += last.length
    if (characters > LINE_CHARACTERS_MAX) socket.destroy()
  })
}
