/** What a client of server-sent events has been told. */
export interface Heard {
  readonly status: number
  readonly type: string | null
  readonly events: {
    readonly id: string | undefined
    readonly name: string | undefined
    readonly data: Record<string, unknown>
  }[]
  /** Comments. */
  beats: number
  /** Whether the answer is at its end. */
  isOver: boolean
  close(): void
}

/** Reads events as they come. */
export async function hear(url: string, headers: Record<string, string>): Promise<Heard> {
  const controller = new AbortController()
  const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: controller.signal })
  const { body, status } = answer
  const heard: Heard = {
    status,
    type: answer.headers.get('content-type'),
    events: [],
    beats: 0,
    isOver: false,
    close: () => controller.abort(),
  }
  if (body !== null) void readAll(body, heard)
  return heard
}

async function readAll(body: ReadableStream<Uint8Array>, heard: Heard): Promise<void> {
  let rest = ''
  try {
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        if (block.startsWith(':')) {
          heard.beats++
          continue
        }
        const member = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
        heard.events.push({ id: member('id'), name: member('event'), data: JSON.parse(member('data') ?? 'null') })
      }
    }
  } catch {
    // It was closed here.
  }
  heard.isOver = true
}
