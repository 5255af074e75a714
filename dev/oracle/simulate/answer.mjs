// Answers questions in the form of `ambit policy simulate --batch` with the
// simulator `@cloud-copilot/iam-simulate`: JSON lines in, JSON lines out.
//
//     node answer.mjs FOLDER    where FOLDER holds node_modules
//
// The simulator's core is asked directly. Its front door would first drop
// context values that its data does not list for the action, and has no way
// to pass on a list of one value.
import { createInterface } from 'node:readline'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const packages = resolve(process.argv[2], 'node_modules/@cloud-copilot')
const load = (path) => import(pathToFileURL(resolve(packages, path)).href)
const { authorize } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
const { DiscoveryContextKeyConstraints } = await load(
  'iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js'
)
const { isWildcardOnlyAction } = await load('iam-simulate/dist/esm/util.js')
const { loadPolicy } = await load('iam-policy/dist/esm/index.js')

const DECISIONS = { Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny' }
const STRICT = {
  simulationMode: 'Strict',
  discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
}

const FULL_ACCESS = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }]
}
// Where nothing tells the account, caller and resource still share one.
const NOBODYS = '000000000000'

const wildcardOnly = new Map()
async function actsOnNothing(action) {
  if (!wildcardOnly.has(action)) {
    const [service, name] = action.split(':')
    wildcardOnly.set(action, await isWildcardOnlyAction(service, name))
  }
  return wildcardOnly.get(action)
}

function policy(document) {
  return loadPolicy(document, { name: 'policy' })
}

function levels(documents) {
  return (documents ?? []).map((level, index) => ({
    orgIdentifier: `level-${index}`,
    policies: level.map(policy)
  }))
}

// AWS itself attaches a policy that allows everything to each level of resource control policies.
function withFullAccess(level) {
  const allows = level.some(({ Statement }) => [Statement].flat().some(({ Effect }) => Effect === 'Allow'))
  return allows ? level : [FULL_ACCESS, ...level]
}

// The account that owns the resource: from its ARN or, where that has none, from the context.
function owner(request) {
  const given = request.context['aws:ResourceAccount']
  return request.resource.split(':')[4] || given || callerAccount(request.principal) || NOBODYS
}

function callerAccount(principal) {
  return principal?.startsWith('arn:') ? principal.split(':')[4] : undefined
}

// Without a principal the caller is of the resource's account, and nobody whom a policy names.
function caller(request) {
  if (request.principal === '*') {
    return { type: 'Anonymous' }
  }
  return request.principal ?? `arn:aws:iam::${owner(request)}:user/nobody-in-particular`
}

async function answer({ request, policies }) {
  const result = authorize({
    request: new AwsRequestImpl(
      caller(request),
      { resource: request.resource, accountId: owner(request) },
      request.action,
      new RequestContextImpl(request.context),
      await actsOnNothing(request.action)
    ),
    identityPolicies: (policies.identity ?? []).map(policy),
    permissionBoundaries: policies.boundary ? [policy(policies.boundary)] : undefined,
    sessionPolicy: policies.session ? policy(policies.session) : undefined,
    resourcePolicy: policies.resource ? policy(policies.resource) : undefined,
    serviceControlPolicies: levels(policies.scps),
    resourceControlPolicies: levels(policies.rcps?.map(withFullAccess)),
    vpcEndpointPolicies: undefined,
    simulationParameters: STRICT,
    serviceSettings: { s3: {} }
  })
  return DECISIONS[result.result]
}

const lines = []
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line)
  let decision
  try {
    decision = await answer(question)
  } catch (problem) {
    decision = `error: ${problem.message}`
  }
  lines.push(JSON.stringify({ id: question.id, decision }))
}
process.stdout.write(lines.join('\n') + '\n')
