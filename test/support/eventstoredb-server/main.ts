import { startServer } from './server.ts'

/** main.ts DIRECTORY [PORT]: runs the server until it is killed, and prints its address once it answers. */
const [directory = '', port] = process.argv.slice(2)
console.log((await startServer(directory, port === undefined ? {} : { port: Number(port) })).url)
