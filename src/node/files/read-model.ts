import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { ProjectionRunner } from '../../projections/runner.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { EventStore } from '../../store/port.ts'
import type { Shutdown } from '../lifecycle/shutdown.ts'
import { lockReadModel } from './file-lock.ts'

/** What a node shows of what its store holds: beside the store, never in it, and in no backup, since it follows from it. */
export const readModelPath = (dir: string) => join(dir, 'read-model.sqlite')

/** Keeps the read model of a data directory up with its store. Throws DataDirectoryInUse while another process does. */
export async function openProjections(
  dir: string,
  events: EventStore,
  {
    clock,
    logger,
    turns,
  }: {
    readonly clock: Clock
    readonly logger: FastifyBaseLogger
    readonly turns: Turns
  },
  closing: Shutdown,
): Promise<ProjectionRunner> {
  closing.add(lockReadModel(dir))
  const runner = await ProjectionRunner.open({
    path: readModelPath(dir),
    events,
    clock,
    turns,
    report: {
      failed: (failure) => logger.error(failure, 'a contract stands still in the read model: concordata rebuild'),
      stuck: (error) => logger.error({ err: error }, 'the read model cannot be written'),
      goesOn: () => logger.info('the read model is written again'),
      startedAnew: ({ position }) => logger.warn({ position }, 'the read model is not of this store: made anew'),
    },
  })
  closing.add(() => runner.close())
  return runner
}
