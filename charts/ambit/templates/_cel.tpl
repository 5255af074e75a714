{{/* Pieces of CEL that several admission policies share. */}}

{{/*
The pod's service account. The API server's own ServiceAccount admission writes
`default` into an empty field, before these policies where it runs at all;
this reads the same answer in either order.
*/}}
{{- define "ambit.cel.serviceAccount" -}}
(object.spec.?serviceAccountName.orValue('') == '' ? 'default' : object.spec.serviceAccountName)
{{- end -}}

{{/*
A mirror pod shows a static pod of a node. It may not use service account
tokens, and the API server refuses one that was given a token volume.
*/}}
{{- define "ambit.cel.notMirrorPod" -}}
!('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))
{{- end -}}

{{/* Whether the namespace's table has an entry for the pod's service account. */}}
{{- define "ambit.cel.inTable" -}}
{{ include "ambit.cel.serviceAccount" . }} in params.?serviceAccounts.orValue({})
{{- end -}}

{{/*
Which pods the policies see. A rule that fails closed must not be able to keep
the cluster or the operator from starting, not even while its parameter kind is
gone or the API server has yet to learn of it, which takes up to 30 seconds
after the first installation and after some restarts. Such failures come before
match conditions, so only this selector can prevent them. The API server itself sets the label
`kubernetes.io/metadata.name`; nobody can change it.
*/}}
{{- define "ambit.podConstraints" -}}
namespaceSelector:
  {{- with .Values.admission.namespaceSelector.matchLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ include "ambit.excludedNamespaces" . }}
    {{- with .Values.admission.namespaceSelector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
{{- end -}}

{{/*
JSON Patch operations that complete each container of one list of the pod
(`containers` or `initContainers`), as a CEL list. What the container has
already stays: a variable of the same name, and a mount at the same path.
*/}}
{{- define "ambit.cel.completeContainers" -}}
object.spec.?{{ . }}.orValue([]).transformList(i, c,
  (has(c.env) || variables.env.size() == 0 ? [] : [
    JSONPatch{op: 'add', path: '/spec/{{ . }}/' + string(i) + '/env', value: []}
  ]) +
  variables.env.filter(e, !c.?env.orValue([]).exists(own, own.name == e.name)).map(e,
    JSONPatch{op: 'add', path: '/spec/{{ . }}/' + string(i) + '/env/-',
      value: Object.spec.{{ . }}.env{name: e.name, value: e.value}}
  ) +
  (has(c.volumeMounts) || variables.audience == '' ? [] : [
    JSONPatch{op: 'add', path: '/spec/{{ . }}/' + string(i) + '/volumeMounts', value: []}
  ]) +
  (variables.audience == '' || c.?volumeMounts.orValue([]).exists(m, m.mountPath in [variables.directory, variables.directory + '/']) ? [] : [
    JSONPatch{op: 'add', path: '/spec/{{ . }}/' + string(i) + '/volumeMounts/-',
      value: Object.spec.{{ . }}.volumeMounts{name: 'ambit-token', mountPath: variables.directory, readOnly: true}}
  ])
).flatten()
{{- end -}}

{{/* What a pod that asks for an identity is told where there is none. */}}
{{- define "ambit.cel.noIdentityMessage" -}}
'the pod is labelled `ambit.dev/identity: required`, but no machine identity in namespace `' + request.namespace +
'` is bound to service account `' + variables.account + '` yet; to see which there are: kubectl get mid -n ' + request.namespace
{{- end -}}
