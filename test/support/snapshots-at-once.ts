import * as documents from '../../src/aggregates/contract/document/document-snapshot.ts'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import * as snapshots from '../../src/agreement/history/snapshot.ts'
import * as texts from '../../src/agreement/history/snapshot-text.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import type { Uid } from '../../src/events/ids.ts'
import { completed } from '../../src/runtime/turns.ts'

/** What saves and loads states, for tests that let nobody else have a turn. */
export const snapshotOf = (state: AgreementState) => completed(snapshots.snapshotOf(state))
export const viewFrom = (...of: Parameters<typeof snapshots.viewFrom>) => completed(snapshots.viewFrom(...of))
export const encodeSnapshot = (snapshot: snapshots.AgreementSnapshot) => completed(texts.encodeSnapshot(snapshot))
export const decodeSnapshot = (text: string, contract: Uid) => completed(texts.decodeSnapshot(text, contract))
export const snapshotOfDocument = (state: ContractState) => completed(documents.snapshotOfDocument(state))
export const documentFrom = (snapshot: documents.DocumentSnapshot) => completed(documents.documentFrom(snapshot))
