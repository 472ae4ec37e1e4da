import type { Break } from './break.ts'

const CONTENTS_TEST = 'test/contracts/contents/contents.test.ts'

/** Whose an attachment is, and how its bytes come, stay and go. */
export const attachmentBreaks: readonly Break[] = [
  {
    name: 'a file is proven by other bytes',
    file: 'src/audit/file-proof.ts',
    from: 'value.hash === file.hash && value.bytes === file.bytes',
    to: 'value.bytes > 0',
    caughtBy: 'test/audit/file-proof.test.ts',
  },
  {
    name: 'a piece of an attachment is taken unverified',
    file: 'src/merkle/content-tree.ts',
    from: 'verifyInclusion({ leaf, index, size, proof, root: content.hash })',
    to: 'verifyInclusion({ leaf, index: 0, size: 1, proof: [], root: hashFromBytes(leaf) })',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'takes away what stands where a void request names it once more',
    file: 'src/contracts/contents/content-log.ts',
    from: 'return statements?.size === 0',
    to: 'return statements !== undefined',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'never lets go what a statement names twice in vain',
    file: 'src/contracts/contents/content-sources.ts',
    from: '!inVain.has(requestKey({ handle, index: other, seq }))',
    to: 'other !== index',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'an attachment is given to whoever asks',
    file: 'src/contracts/contents/piece-lines.ts',
    from: ' || !mayHave(state, held, name, peer, now)',
    to: '',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'forgets for good what was given up for room',
    file: 'src/contracts/contents/content-fetching.ts',
    from: '    this.#waits.forget(name)\n',
    to: '',
    caughtBy: 'test/contracts/contents/given-up.test.ts',
  },
  {
    name: 'drops what is named again while it is being dropped',
    file: 'src/contracts/contents/contents.ts',
    from: '      this.took(namedMeanwhile)\n',
    to: '',
    caughtBy: 'test/contracts/contents/given-up.test.ts',
  },
  {
    name: 'keeps the note of a content whose statement never came',
    file: 'src/contracts/contents/contents.ts',
    from: '[...this.#log.unnamed, ...gone]',
    to: 'this.#log.unnamed',
    caughtBy: 'test/contracts/contents/given-up.test.ts',
  },
  {
    name: 'fetches what an about says',
    file: 'src/events/attachments/attachment.ts',
    from: 'return found.filter(({ name }) => named.has(name))',
    to: 'return named.size < 0 ? none : found',
    caughtBy: 'test/contracts/contents/given-up.test.ts',
  },
  {
    name: 'a request is acknowledged before its attachment is complete',
    file: 'src/contracts/approvals/value-grounds.ts',
    from: 'const contents = this.#contents.lackedIn(asked.held, asked.request)',
    to: 'const contents = this.#contents.lackedIn(asked.held, asked.request).slice(0, 0)',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'an attachment that was cut off begins anew',
    file: 'src/contracts/contents/unfinished-content.ts',
    from: 'this.#leaves = new Map(held)',
    to: 'this.#leaves = new Map([...held].slice(0, 0))',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'bytes that came to nothing are kept',
    file: 'src/contracts/contents/contents.ts',
    from: "if (outcome.kind !== 'accepted') {",
    to: "if (outcome.kind === 'accepted') {",
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'whoever brings a little of an attachment is waited for, for ever',
    file: 'src/contracts/contents/content-waits.ts',
    from: 'progress.leftMs -= pauseMs',
    to: 'progress.leftMs -= 0',
    caughtBy: 'test/contracts/contents/content-room.test.ts',
  },
  {
    name: 'an attachment is of any type',
    file: 'src/events/attachments/attachment.ts',
    from: 'type: Type.Enum([...mediaTypes]),',
    to: 'type: Type.String(),',
    caughtBy: 'test/aggregates/contract/attachments.test.ts',
  },
  {
    name: 'whoever has resigned waits for good for a file that nobody has',
    file: 'src/contracts/approvals/value-grounds.ts',
    from: 'memberOf(document, this.#self) === undefined && formerOf(document, this.#self) === undefined',
    to: 'memberOf(document, this.#self) === undefined',
    caughtBy: 'test/contracts/approvals/withheld-values.test.ts',
  },
  {
    name: 'nobody hears that whoever has resigned takes its feed over to say its last head',
    file: 'src/contracts/replica/live-contract.ts',
    from: 'formerOf(this.state.settling.agreed, party)',
    to: 'formerOf(this.state.ledger.document, party)',
    caughtBy: 'test/simulation/simulation.test.ts',
  },
]
