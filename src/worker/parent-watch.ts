/**
 * Ends this process when its supervisor is gone: the pipe closes. While user code keeps the event loop busy that goes
 * unnoticed here; the supervisor's guard process then ends this one (`runtime/children/guard.ts`). An orphan must not go on (P7).
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}
