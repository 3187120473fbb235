// Evaluates IAM requests given as a JSON array of simulations on standard input; one process for all of them.
// Answers with an array of "Allowed", "ExplicitlyDenied" or "ImplicitlyDenied". A simulation that is not evaluated
// exactly as it was asked (an invalid policy, a context key that the simulator drops) ends the run with an error.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

// The simulator drops `kms:EncryptionContext:<key>` from a request: it takes a variable part only after a slash.
// So the key goes under a name with one, in policies and request alike.
const evaluable = (value) =>
  JSON.parse(JSON.stringify(value).replaceAll('kms:EncryptionContext:', 'aws:PrincipalTag/kms-encryption-context-'))

const results = []
for (const simulation of JSON.parse(readFileSync(0, 'utf8'))) {
  const outcome = await runSimulation(evaluable(simulation), {})
  const ignored = outcome.result?.ignoredContextKeys ?? []
  if (outcome.resultType !== 'single' || ignored.length > 0) {
    const { action, resource } = simulation.request
    throw new Error(`${action} on ${resource.resource}: ${JSON.stringify(outcome.errors ?? { ignored })}`)
  }
  results.push(outcome.overallResult)
}
process.stdout.write(JSON.stringify(results))
