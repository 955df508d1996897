"""What a shell loads to complete: it asks `hookline completion --complete` with the line as it stands."""

from __future__ import annotations

BASH = r"""# Tab completion of hookline for bash: eval "$(hookline completion bash)"
_hookline() {
    local program=${1:-hookline} mode= line=
    program=${program/#\~/$HOME}
    COMPREPLY=()
    {
        IFS= read -r mode
        while IFS= read -r line; do COMPREPLY+=("$line"); done
    } < <(COMP_LINE=${COMP_LINE-} COMP_POINT=${COMP_POINT-} COMP_WORDBREAKS=${COMP_WORDBREAKS-} \
        "$program" completion --complete bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    if [[ $mode == nospace ]]; then compopt -o nospace 2>/dev/null; fi
    return 0
}
complete -o nosort -F _hookline hookline 2>/dev/null || complete -F _hookline hookline
"""

ZSH = r"""#compdef hookline
# Tab completion of hookline for zsh: eval "$(hookline completion zsh)", after compinit
_hookline() {
    local line word
    local -a open open_shown closed closed_shown
    for line in "${(@f)$("${(Q)words[1]}" completion --complete zsh $((CURRENT - 1)) \
        "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        [[ -z $word ]] && continue
        if [[ $word == *[=.,\[/] ]]; then
            open+=("$word") open_shown+=("${line/$'\t'/  -- }")
        else
            closed+=("$word") closed_shown+=("${line/$'\t'/  -- }")
        fi
    done
    (( $#closed )) && compadd -U -V hookline -l -d closed_shown -a closed
    (( $#open )) && compadd -U -V hookline -l -S '' -d open_shown -a open
    (( $#closed + $#open ))
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _hookline "$@"; else compdef _hookline hookline; fi
"""

FISH = r"""# Tab completion of hookline for fish: hookline completion fish | source
function __hookline
    set -l words (commandline -opc)
    $words[1] completion --complete fish (count $words) $words (commandline -ct) 2>/dev/null
end
complete -c hookline -f -a '(__hookline)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
