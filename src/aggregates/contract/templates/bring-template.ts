import { utf8Length } from '../../../crypto/bytes.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { CommandOf } from '../../../events/commands.ts'
import type { Request } from '../../../events/statement.ts'
import { TEMPLATE_PIECES_MAX, templateHash } from '../../../events/template.ts'
import { completed } from '../../../runtime/turns.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import { Rejection } from '../rejection.ts'
import type { ContractState } from '../state.ts'
import { parsingTemplate, TemplateFault } from './parsed-template.ts'
import { type ArrivingTemplate, hasRoom, heldTemplate } from './template-book.ts'

type Piece = Pick<CommandOf<'BringTemplate'>, 'hash' | 'bytes' | 'from' | 'text'>

/**
 * The bytes stand in the ledger, so they are there for whoever judges it, for good. Whoever brings the beginning of another one, or
 * of the same once more, has given up what it brought before.
 */
export function bringTemplate(
  command: CommandOf<'BringTemplate'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const { hash, bytes, from, text } = command
  if (heldTemplate(state.templates, hash) !== undefined) return new Rejection('template_held', [hash])
  const { arrived, texts } = broughtBefore(command, state, context)
  const after = from + utf8Length(text)
  if (arrived !== from || after > bytes) return new Rejection('template_out_of_place', [String(arrived)])
  // As many bytes are no fewer characters.
  if (!hasRoom(state.templates, bytes)) return new Rejection('limit_exceeded', ['templates'])
  if (after < bytes && (after - from) * TEMPLATE_PIECES_MAX < bytes) {
    return new Rejection('limit_exceeded', ['templatePieces'])
  }
  if (after === bytes) {
    const whole = [...texts, text].join('')
    if (templateHash(whole) !== hash) return new Rejection('template_unfit', ['hash'])
    const parsed = completed(parsingTemplate(hash, whole))
    if (parsed instanceof TemplateFault) {
      return new Rejection('template_unfit', parsed.at === undefined ? [parsed.why] : [parsed.why, parsed.at])
    }
  }
  return [{ by: context.author, bytes, from, hash, text, type: 'TemplateBrought' }]
}

/** Looks through what is brought, in steps, so that it is known when the command is decided. */
export function* lookingThrough(
  commands: Request['commands'],
  state: ContractState,
  context: DecideContext,
): Generator<void, void> {
  const lookedThrough = new Set<Hash>()
  for (const command of commands) {
    if (command.type !== 'BringTemplate' || !isPiece(command) || lookedThrough.has(command.hash)) continue
    const { arrived, texts } = broughtBefore(command, state, context)
    if (arrived !== command.from || arrived + utf8Length(command.text) !== command.bytes) continue
    // Of one template there is one end; others come to nothing.
    lookedThrough.add(command.hash)
    const whole = [...texts, command.text].join('')
    if (templateHash(whole) === command.hash) yield* parsingTemplate(command.hash, whole)
    yield
  }
}

function isPiece(command: object): command is Piece {
  const { bytes, from, hash, text } = command as Partial<Piece>
  return typeof bytes === 'number' && typeof from === 'number' && typeof hash === 'string' && typeof text === 'string'
}

/** Of the same template, by the same party. What begins anew has nothing before it. */
function broughtBefore({ bytes, from, hash }: Piece, { templates }: ContractState, { author }: DecideContext): Brought {
  const before = templates.arriving.find((one) => one.by === author && one.hash === hash && one.bytes === bytes)
  return from === 0 || before === undefined ? nothing : before
}

type Brought = Pick<ArrivingTemplate, 'arrived' | 'texts'>
const nothing: Brought = { arrived: 0, texts: [] }
