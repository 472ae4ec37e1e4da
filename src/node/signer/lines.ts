import type { Socket } from 'node:net'
import { LINE_CHARACTERS_MAX } from './protocol.ts'

/** Hands on each line of a socket, without its end. One that is too long ends the connection. */
export function readLines(socket: Socket, took: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const pieces = (rest + text).split('\n')
    rest = pieces.pop() as string
    for (const piece of pieces) took(piece)
    if (rest.length > LINE_CHARACTERS_MAX) socket.destroy()
  })
}
