import { X509Certificate } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import type { FastifyBaseLogger } from 'fastify'
import { memberOf, membersOf } from '../../aggregates/contract/state.ts'
import type { Role } from '../../contracts/duties.ts'
import {
  type Obstacle,
  type ObstacleCode,
  type ObstacleShown,
  obstacleKinds,
  obstaclesIn,
} from '../../contracts/obstacles/obstacles.ts'
import { type Backlog, waitingIn } from '../../contracts/passive/backlog.ts'
import type { PartyProcess } from '../../contracts/processes/party-process.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { isPartyTo } from '../../gossip/peer-knowledge.ts'
import { PeerRefused } from '../../gossip/transport/peer-errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Directory } from '../directory/directory.ts'
import { DISK_ERROR_BYTES } from '../files/disk.ts'
import { isOff, medianOf } from './clock-offset.ts'
import { Lately } from './lately.ts'

/** How often it is looked, for the log and for how long something waits. Milliseconds. */
const LOOK_EVERY_MS = 5_000
/** How long the oldest thing under way may wait for a party before it counts as silent. Milliseconds. */
const SILENT_AFTER_MS = 30_000

/** How many parties one line of the log names. */
const PARTIES_SAID_MAX = 8

type Troubles = ReturnType<PartyProcess['gossip']['troubles']>

export interface ObstaclesPorts {
  readonly role: Role
  readonly party: Pick<PartyProcess, 'contracts' | 'replicas' | 'gossip' | 'isTakenUp'>
  readonly directory: Pick<Directory, 'byHandle' | 'givenUp' | 'handles' | 'parties'>
  readonly dir: string
  readonly clock: Clock
  /** The certificate that is shown; undefined in a process that shows none. */
  certificate(): string | undefined
  /** By how much the clocks of peers are ahead of this one. */
  aheadMs(): ReadonlyMap<Handle, number>
  /** How many webhooks fail, or have ended. */
  webhooksFailing(): number
  readonly logger: FastifyBaseLogger
}

/** These are said in the log when they come up, with what only that moment knows. */
const loggedElsewhere: ReadonlySet<ObstacleCode> = new Set([
  'store_set_back',
  'members_awaited',
  'statement_lost',
  'nobody_to_ask',
  'another_signs',
  'store_failing',
  'party_forked',
  'fork_unproven',
  'heads_differ',
  'party_unreachable',
  'party_refuses_calls',
])

/** Everything that stops contracts of this process, as far as it can know; the one source for API, metrics, log and `doctor` (decision 0094). */
export class Obstacles {
  readonly #ports: ObstaclesPorts
  /** Since when the oldest thing in a contract waits for a party, by both. No more than are under way. */
  #waits = new Map<string, { readonly oldest: string | null; readonly since: number }>()
  #isDiskFull = false
  readonly #unaskedGivenUp = new Lately<Handle>()
  readonly #aheadGivenUp = new Lately<Handle>()
  readonly #introductionsGivenUp = new Lately()
  /** What has been said in the log, by code, and by whom it concerns. */
  #said = new Map<ObstacleCode, ReadonlyMap<string, Obstacle>>()
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(ports: ObstaclesPorts) {
    this.#ports = ports
  }

  /** Looks now, and again and again. */
  async start(): Promise<void> {
    await this.#look().catch((err: unknown) => this.#ports.logger.error({ err }, 'what stops contracts cannot be told'))
    if (this.#isClosed) return
    this.#cancel = this.#ports.clock.after(LOOK_EVERY_MS, () => void this.start())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  /** Of one contract. */
  of(live: LiveContract): ObstacleShown[] {
    this.#noteWaits()
    const troubles = this.#ports.party.gossip.troubles()
    const members = membersOf(live.state.settling.agreed).map(({ card }) => card.handle)
    const ofParties = members
      .filter((handle) => handle !== live.self)
      .flatMap((handle) => this.#between(handle, troubles, live) ?? [])
    const own = [...obstaclesIn(live), ...this.#overtakenIn(live.contract)]
    const silent = this.#silentIn(live.contract, waitingIn(live.state, live.self), own, troubles, SILENT_AFTER_MS)
    return [...own, ...silent, ...ofParties, ...this.#ofNode()].map((obstacle) => shown(obstacle, live))
  }

  /**
   * Of all of which this party is a member, or has asked to be: those of the node and of parties first. `silentAfterMs`: left out, as long
   * as for alarms.
   */
  all(silentAfterMs = SILENT_AFTER_MS): ObstacleShown[] {
    this.#noteWaits()
    const { contracts, gossip } = this.#ports.party
    const troubles = gossip.troubles()
    const found = [...this.#ofNode(), ...this.#ofParties(troubles)].map((obstacle) => shown(obstacle))
    for (const live of this.#joined()) {
      const own = obstaclesIn(live)
      const silent = this.#silentIn(live.contract, waitingIn(live.state, live.self), own, troubles, silentAfterMs)
      for (const obstacle of [...own, ...silent]) found.push(shown(obstacle, live))
    }
    for (const { contract } of contracts.cache.active()) {
      for (const obstacle of this.#overtakenIn(contract)) found.push(shown(obstacle, { contract }))
    }
    for (const [contract, code] of contracts.cache.standingStill())
      found.push(shown({ code, parties: [] }, { contract }))
    for (const [contract, waiting] of contracts.cache.underWay()) {
      const silent = this.#silentIn(contract, waiting, [], troubles, silentAfterMs)
      for (const obstacle of silent) found.push(shown(obstacle, { contract }))
    }
    return found
  }

  #overtakenIn(contract: Uid): Obstacle[] {
    return this.#ports.party.contracts.replyTo(contract) === 'overtaken'
      ? [{ code: 'acceptance_overtaken', parties: [] }]
      : []
  }

  /** Whoever invites this party can make up all that stands in a contract, as long as it has not joined. */
  *#joined(): Generator<LiveContract> {
    for (const live of this.#ports.party.contracts.cache.active()) {
      if (memberOf(live.state.settling.agreed, live.self) !== undefined) yield live
    }
  }

  /** For metrics: how many contracts each concerns, by code and party of the directory; 1 where it is of no contract alone. */
  counts(): { readonly code: ObstacleCode; readonly party: string; readonly count: number }[] {
    const counts = new Map<string, { code: ObstacleCode; party: string; count: number }>()
    const known = this.#ports.directory.handles().add(this.#ports.party.contracts.self)
    for (const { code, parties } of this.all()) {
      const labels = new Set<string>(parties.map((party) => (known.has(party) ? party : '')))
      for (const party of labels.size === 0 ? [''] : labels) {
        const key = `${code} ${party}`
        counts.set(key, { code, party, count: (counts.get(key)?.count ?? 0) + 1 })
      }
    }
    return [...counts.values()]
  }

  #ofNode(): Obstacle[] {
    const { certificate, clock, party } = this.#ports
    const codes: ObstacleCode[] = []
    if (this.#isDiskFull) codes.push('disk_full')
    if (!party.isTakenUp) codes.push('processes_silent')
    const pem = certificate()
    if (pem !== undefined && !isValidAt(pem, clock.now())) codes.push('certificate_invalid')
    if (this.#isClockOff) codes.push('clock_off')
    if (this.#ports.webhooksFailing() > 0) codes.push('webhook_failing')
    return [...codes.map((code) => ({ code, parties: [] })), ...this.#givenUp()]
  }

  get #isClockOff(): boolean {
    return isOff(medianOf([...this.#ports.aheadMs().values()]))
  }

  /** What was given up of what others have brought. */
  #givenUp(): Obstacle[] {
    const { clock, directory, party } = this.#ports
    const { unasked, reorderBuffer } = party.contracts
    const told = (code: ObstacleCode, lately: Lately<Handle>, counts: ReadonlyMap<Handle, number>) =>
      [...lately.grown(counts, clock.now())].map(([from, givenUp]) => ({ code, parties: [from], givenUp }))
    const introductions = this.#introductionsGivenUp.grown(new Map([[undefined, directory.givenUp]]), clock.now())
    return [
      ...told('unasked_given_up', this.#unaskedGivenUp, unasked.givenUp),
      ...told('ahead_given_up', this.#aheadGivenUp, reorderBuffer.givenUp),
      ...[...introductions.values()].map((givenUp) => ({
        code: 'introductions_given_up' as const,
        parties: [],
        givenUp,
      })),
    ]
  }

  /** Parties with which this node has contracts, in memory or not. */
  #ofParties(troubles: Troubles): Obstacle[] {
    const { contracts } = this.#ports.party
    const found = new Map<string, Obstacle>()
    const add = (obstacle: Obstacle | undefined) => {
      if (obstacle !== undefined) found.set(`${obstacle.code} ${obstacle.parties}`, obstacle)
    }
    for (const live of this.#joined()) {
      for (const { card } of membersOf(live.state.settling.agreed)) {
        if (card.handle !== live.self) add(this.#between(card.handle, troubles, live))
      }
    }
    for (const { signed } of this.#ports.directory.parties()) {
      const { handle } = signed.introduction.card
      const obstacle = this.#between(handle, troubles)
      if (obstacle !== undefined && contracts.cache.passiveWith(handle, '', 1).length > 0) add(obstacle)
    }
    return [...found.values()]
  }

  /** What stands between this node and that of a party; `live`: a contract of the two. */
  #between(handle: Handle, troubles: Troubles, live?: LiveContract): Obstacle | undefined {
    const { directory } = this.#ports
    const known = directory.byHandle(handle)
    const isWho = (peer: NonNullable<typeof known>) =>
      live === undefined || isPartyTo(live.state, { handle, signingKey: peer.card.keys.signing })
    if (known === undefined || !isWho(known)) return { code: 'party_not_approved', parties: [handle] }
    const trouble = troubles.get(handle)
    if (trouble === undefined) return this.#clockOf(handle)
    const isTurnedAway = trouble instanceof PeerRefused && trouble.evidence.status === 403
    return { code: isTurnedAway ? 'party_refuses_calls' : 'party_unreachable', parties: [handle] }
  }

  /** Where one's own clock is off, whose else is cannot be told. */
  #clockOf(handle: Handle): Obstacle | undefined {
    if (!isOff(this.#ports.aheadMs().get(handle)) || this.#isClockOff) return undefined
    return { code: 'party_clock_off', parties: [handle] }
  }

  /** Parties that have been silent for long, where no other obstacle explains it. */
  #silentIn(
    contract: Uid,
    { waitsFor }: Backlog,
    own: readonly Obstacle[],
    troubles: Troubles,
    silentAfterMs: number,
  ): Obstacle[] {
    const { clock, party, role } = this.#ports
    const { self } = party.contracts
    return waitsFor.flatMap((handle): Obstacle[] => {
      const since = this.#waits.get(`${contract} ${handle}`)?.since
      if (since === undefined || clock.now() - since < silentAfterMs) return []
      if (handle !== self) return troubles.has(handle) ? [] : [{ code: 'party_silent', parties: [handle] }]
      if (role !== 'node') return [{ code: 'processes_silent', parties: [] }]
      return own.length > 0 ? [] : [{ code: 'party_silent', parties: [self] }]
    })
  }

  #noteWaits(): void {
    const { clock, party } = this.#ports
    const before = this.#waits
    this.#waits = new Map()
    const note = (contract: Uid, { waitsFor, oldest }: Backlog) => {
      for (const handle of waitsFor) {
        const key = `${contract} ${handle}`
        const known = before.get(key)
        this.#waits.set(key, known?.oldest === oldest ? known : { oldest, since: clock.now() })
      }
    }
    for (const { contract, state, self } of this.#joined()) note(contract, waitingIn(state, self))
    for (const [contract, waiting] of party.contracts.cache.underWay()) note(contract, waiting)
  }

  async #look(): Promise<void> {
    const { dir, logger } = this.#ports
    const { bavail, bsize } = await statfs(dir)
    this.#isDiskFull = bavail * bsize < DISK_ERROR_BYTES
    if (this.#isClosed) return
    const found = Map.groupBy(
      this.all().filter(({ code }) => !loggedElsewhere.has(code)),
      ({ code }) => code,
    )
    const said = new Map(
      [...found].map(([code, all]) => [code, new Map(all.map((obstacle) => [String(obstacle.parties), obstacle]))]),
    )
    for (const [code, all] of found) {
      const news = all.filter(({ parties }) => this.#said.get(code)?.has(String(parties)) !== true)
      const [first] = news
      if (first === undefined) continue
      const { meaning, remedy, level } = obstacleKinds[code]
      const { contract } = first
      const contracts = contract === null ? undefined : new Set(news.map((one) => one.contract)).size
      const what = { obstacle: code, ...whomIn(news), contract, contracts, givenUp: first.givenUp, remedy }
      logger[level === 'error' ? 'error' : 'warn'](what, meaning)
    }
    for (const [code, before] of this.#said) {
      const gone = [...before].flatMap(([key, obstacle]) => (said.get(code)?.has(key) === true ? [] : [obstacle]))
      const [first] = gone
      if (first === undefined) continue
      logger.info({ obstacle: code, ...whomIn(gone), givenUp: first.givenUp }, 'an obstacle is gone')
    }
    this.#said = said
  }
}

/** `now`: milliseconds since the epoch. */
function isValidAt(pem: string, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(pem)
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}

/** A member can make up as many parties as a contract may have. */
function whomIn(obstacles: readonly Obstacle[]) {
  const parties = [...new Set(obstacles.flatMap((obstacle) => obstacle.parties))]
  return { parties: parties.slice(0, PARTIES_SAID_MAX), count: parties.length }
}

function shown({ code, parties, ...more }: Obstacle, live?: LiveContract | { readonly contract: Uid }): ObstacleShown {
  const { meaning, remedy } = obstacleKinds[code]
  const title = live !== undefined && 'state' in live ? live.state.settling.agreed.title : null
  return { code, contract: live?.contract ?? null, title, parties, ...more, meaning, remedy }
}
