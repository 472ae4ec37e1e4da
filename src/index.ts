export type { Verdict } from './contracts/submission.ts'
export { type OpenContract, type OpenNode, openNode, type Place } from './node/open-node.ts'
export { ConcordataError, type ErrorCode, errorCodes } from './runtime/errors.ts'
