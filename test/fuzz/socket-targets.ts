import { answerTargets } from './answer-targets.ts'
import { inwardTargets } from './inward-targets.ts'
import { outwardTargets } from './outward-targets.ts'
import type { Target } from './target.ts'
import { openWorld, type World } from './world.ts'

/** What comes from outside on real sockets, all against one node. */
export async function socketTargets(): Promise<{ readonly world: World; readonly targets: readonly Target[] }> {
  const world = await openWorld()
  return { world, targets: [...(await inwardTargets(world)), ...outwardTargets(world), ...(await answerTargets())] }
}
