import { NoSuchPath, parsePath } from '../../../documents/path.ts'
import { UID_PATTERN, type Uid } from '../../../events/ids.ts'

const uidForm = new RegExp(UID_PATTERN)

/** What stands for any contract, or any one name. */
export const ANY = '*'

/** What the ledger of a contract brings: told entry by entry, and from any index on. */
export interface LedgerSubject {
  readonly kind: 'changes' | 'requests'
  readonly contract: Uid | typeof ANY
  /** On the way to what is watched; of requests none. */
  readonly names: readonly string[]
}

/** What is told whole, as GET gives it, each time it is another. */
export interface StateSubject {
  readonly kind: 'contracts' | 'obstacles' | 'questions'
  /** Of questions. */
  readonly contract: Uid | typeof ANY
}

export type Subject = LedgerSubject | StateSubject

export const subjectForms = [
  '/new-api/<uid>/<path>',
  '/api/Contract',
  '/api/Contract/<uid>/Requests',
  '/api/Contract/<uid>/Questions',
  '/api/Obstacle',
]

/**
 * As the REST path is spelled, with `*` for any contract or any one name. `forms`: those that the caller takes. Attacker-controlled:
 * `text`. Throws NoSuchPath, PathMalformed.
 */
export function subjectIn(text: string, forms: readonly string[] = subjectForms): Subject {
  const [first, second, third, ...rest] = parsePath(text)
  if (text.startsWith('/') && first === 'new-api' && second !== undefined) {
    const names = third === undefined ? [] : [third, ...rest]
    // No name has a tilde in it: what is asked of an element beside its value is told by nobody.
    if (names.some((name) => name.includes('~'))) throw noSuchSubject(text, forms)
    return { kind: 'changes', contract: contractIn(second, text, forms), names }
  }
  const [uid, below, ...more] = rest.length > 0 || third !== undefined ? [third, ...rest] : []
  if (text.startsWith('/') && first === 'api' && more.length === 0) {
    if (second === 'Obstacle' && uid === undefined) return { kind: 'obstacles', contract: ANY }
    if (second === 'Contract' && uid === undefined) return { kind: 'contracts', contract: ANY }
    if (second === 'Contract' && uid !== undefined && (below === 'Requests' || below === 'Questions')) {
      const contract = contractIn(uid, text, forms)
      return below === 'Requests' ? { kind: 'requests', contract, names: [] } : { kind: 'questions', contract }
    }
  }
  throw noSuchSubject(text, forms)
}

function contractIn(step: string, subject: string, forms: readonly string[]): Uid | typeof ANY {
  if (step === ANY) return step
  if (uidForm.test(step)) return step as Uid
  throw noSuchSubject(subject, forms)
}

function noSuchSubject(subject: string, options: readonly string[]): NoSuchPath {
  const message = `nothing is told at ${subject.slice(0, 200)}: a subject is spelled as the REST path, such as /new-api/<uid>/Claimant`
  return new NoSuchPath('no_such_subject', message, { options })
}

export function isState(subject: Subject): subject is StateSubject {
  return subject.kind !== 'changes' && subject.kind !== 'requests'
}

export function isOfAny(subject: Subject): boolean {
  return !isState(subject) && subject.contract === ANY
}
