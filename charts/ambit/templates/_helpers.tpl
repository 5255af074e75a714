{{/* The chart's name, in labels. */}}
{{- define "ambit.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{/* The name of the objects: the release's name where it says `ambit` already. Room is left for the longest suffix. */}}
{{- define "ambit.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains (include "ambit.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ambit.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ambit.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ambit.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ambit.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: ambit
{{ include "ambit.selectorLabels" . }}
{{- end -}}

{{- define "ambit.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ambit.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must name an existing service account when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* How the API server calls the operator: the admission rules tell it from everybody else by this name. */}}
{{- define "ambit.userName" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "ambit.serviceAccountName" .) -}}
{{- end -}}

{{- define "ambit.installation" -}}
{{- required "installation must be set: a DNS label of 1 to 20 characters that names this Ambit in role paths and ownership tags, for example --set installation=prod-eu; there is no default because two clusters with the same name would claim each other's roles" .Values.installation -}}
{{- end -}}

{{- define "ambit.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Namespaces whose pods are never touched, as a JSON list. */}}
{{- define "ambit.excludedNamespaces" -}}
{{- concat (list "kube-system" .Release.Namespace) (default list .Values.admission.excludeNamespaces) | uniq | toJson -}}
{{- end -}}
