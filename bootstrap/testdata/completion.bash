# Completion for bash: source <(anomalydetector completion bash)
_anomalydetector() {
  local current=${COMP_WORDS[COMP_CWORD]} command= words= confs= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) continue ;; esac
    case "${command:+$command }$word" in
      "run"|"demo"|"check"|"backtest"|"state"|"state show"|"state export"|"state import"|"synthesize"|"status"|"entity"|"anomalies"|"episodes"|"health"|"version"|"help"|"completion"|"man") command="${command:+$command }$word" ;;
    esac
  done
  case $command in
    "") words="run demo check backtest state synthesize status entity anomalies episodes health version help completion man --help --version --fail-fast --quiet" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "run") words="--help --version --fail-fast --quiet" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "demo") words="--help --version --duration --entities --seed --nodes --feed --kill" confs="" ;;
    "check") words="--help --version --json --connect" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "backtest") words="--help --version --topic --from --until --map --time --format --key-from --set --labels --json --csv --anomalies --report --entity --into --speed --append" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state") words="show export import --help --version --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state show") words="--help --version --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state export") words="--help --version --partition --force" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state import") words="--help --version --partition --csv --map --time --format" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "synthesize") words="--help --version --out --labels --format --entities --bins --history --events --kinds --entity-kinds --hard --seed --start --bin --force" confs="" ;;
    "status") words="--help --version --node --timeout --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "entity") words="--help --version --node --timeout --json --window" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "anomalies") words="--help --version --since --limit --node --timeout --json --min-deviation --follow --from-kafka" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "episodes") words="--help --version --since --limit --node --timeout --json --state --kind" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "health") words="--help --version --ready --timeout --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "version") words="--help --version" confs="" ;;
    "help") words="run demo check backtest state synthesize status entity anomalies episodes health version help completion man --help --version" confs="" ;;
    "completion") words="bash zsh fish --help --version" confs="" ;;
    "man") words="--help --version" confs="" ;;
  esac
  COMPREPLY=($(compgen -W "$words $confs" -- "$current"))
  if [[ $confs && $current != -* ]]; then
    local IFS=$'\n'
    COMPREPLY+=($(compgen -f -X '!*.conf' -- "$current") $(compgen -d -- "$current"))
  fi
}
complete -o filenames -F _anomalydetector anomalydetector
