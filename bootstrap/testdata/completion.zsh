#compdef anomalydetector
# Completion for zsh: source <(anomalydetector completion zsh), or a file _anomalydetector in $fpath
_anomalydetector() {
  local command= words_= confs= word
  for word in "${words[@]:1:$((CURRENT - 2))}"; do
    case $word in -*) continue ;; esac
    case "${command:+$command }$word" in
      "run"|"demo"|"check"|"backtest"|"state"|"state show"|"state export"|"state import"|"synthesize"|"status"|"entity"|"anomalies"|"episodes"|"health"|"version"|"help"|"completion"|"man") command="${command:+$command }$word" ;;
    esac
  done
  case $command in
    "") words_="run demo check backtest state synthesize status entity anomalies episodes health version help completion man --help --version --fail-fast --quiet" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "run") words_="--help --version --fail-fast --quiet" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "demo") words_="--help --version --duration --entities --seed --nodes --feed --kill" confs="" ;;
    "check") words_="--help --version --json --connect" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "backtest") words_="--help --version --topic --from --until --map --time --format --key-from --set --labels --json --csv --anomalies --report --entity --into --speed --append" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state") words_="show export import --help --version --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state show") words_="--help --version --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state export") words_="--help --version --partition --force" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "state import") words_="--help --version --partition --csv --map --time --format" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "synthesize") words_="--help --version --out --labels --format --entities --bins --history --events --kinds --entity-kinds --hard --seed --start --bin --force" confs="" ;;
    "status") words_="--help --version --node --timeout --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "entity") words_="--help --version --node --timeout --json --window" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "anomalies") words_="--help --version --since --limit --node --timeout --json --min-deviation --follow --from-kafka" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "episodes") words_="--help --version --since --limit --node --timeout --json --state --kind" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "health") words_="--help --version --ready --timeout --json" confs="atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf" ;;
    "version") words_="--help --version" confs="" ;;
    "help") words_="run demo check backtest state synthesize status entity anomalies episodes health version help completion man --help --version" confs="" ;;
    "completion") words_="bash zsh fish --help --version" confs="" ;;
    "man") words_="--help --version" confs="" ;;
  esac
  compadd -- ${=words_} ${=confs}
  if [[ -n $confs ]]; then _files -g '*.conf(-.)'; fi
}
if [[ ${funcstack[1]} == _anomalydetector ]]; then _anomalydetector "$@"; else compdef _anomalydetector anomalydetector; fi
