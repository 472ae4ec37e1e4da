import { randomUUID } from 'node:crypto'
import messages from '@eventstore/db-client/generated/gossip_pb.js'
import type { sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import { uuidOf } from './messages.ts'

/** A server of a cluster, on loopback. */
export interface Member {
  readonly port: number
  /** `unknown`: it has lost the others, and leads and follows nobody. */
  readonly state: 'leader' | 'follower' | 'unknown'
  readonly isAlive: boolean
}

/** `Gossip.Read`: from it the client learns who leads. */
export function tellMembers(members: () => readonly Member[]): UntypedServiceImplementation {
  return {
    read: (_: unknown, answer: sendUnaryData<unknown>) => {
      const info = new messages.ClusterInfo()
      info.setMembersList(members().map(memberInfo))
      answer(null, info)
    },
  }
}

function memberInfo({ port, state, isAlive }: Member) {
  const { LEADER, FOLLOWER, UNKNOWN } = messages.MemberInfo.VNodeState
  const endPoint = new messages.EndPoint()
  endPoint.setAddress('127.0.0.1')
  endPoint.setPort(port)
  const info = new messages.MemberInfo()
  info.setInstanceId(uuidOf(randomUUID()))
  info.setTimeStamp(String(Date.now()))
  info.setState({ leader: LEADER, follower: FOLLOWER, unknown: UNKNOWN }[state])
  info.setIsAlive(isAlive)
  info.setHttpEndPoint(endPoint)
  return info
}
