// How bad a world it is: rates by seed, from none to 30 %. Some worlds have one kind of fault only, so that it is not drowned by others.
import type { Random } from '../support/random.ts'

/** Chances of single faults, each from 0 to 1. */
export interface Faults {
  /** A request that is refused (503), collides (409) or never arrives. */
  notDone: number
  /** A request that is done and whose answer is lost, or is a 500. */
  lostAnswer: number
  /** A request that its sender gave up and that arrives later. */
  zombie: number
  /** A body that is cut. */
  cutBody: number
  /** An answer that takes its time. */
  lateAnswer: number
  /** Calls of the queue that fail, done or not. */
  queueCall: number
  eventLost: number
  eventTwice: number
  eventLate: number
  /** A message about nothing, or that nobody can read. */
  junk: number
  /** A process that dies, at any step. */
  crash: number
}

const KINDS = [
  'notDone',
  'lostAnswer',
  'zombie',
  'cutBody',
  'lateAnswer',
  'queueCall',
  'eventLost',
  'eventTwice',
  'eventLate',
  'junk',
] as const satisfies readonly (keyof Faults)[]

/** No faults. */
export function noFaults(): Faults {
  const none: Faults = {
    notDone: 0,
    lostAnswer: 0,
    zombie: 0,
    cutBody: 0,
    lateAnswer: 0,
    queueCall: 0,
    eventLost: 0,
    eventTwice: 0,
    eventLate: 0,
    junk: 0,
    crash: 0,
  }
  return none
}

/** The rates of a seed. */
export function randomFaults(random: Random): Faults {
  const faults = noFaults()
  const share = random.pick([0, 0.2, 0.5, 1])
  for (const kind of KINDS) if (random.chance(share)) faults[kind] = random.int(1, 30) / 100
  // A process takes hundreds of steps: at 3 % it dies again and again before it is done.
  if (random.chance(0.6)) faults.crash = random.pick([0.001, 0.005, 0.03])
  return faults
}

/** From now on all goes well. */
export function heal(faults: Faults): void {
  Object.assign(faults, noFaults())
}
