import { Argument, type Command } from 'commander'
import type { Invocation } from '../invocation.ts'

// Each script asks `tributary __complete` with the words so far, so that it never goes out of date.
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_tributary() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(tributary __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -eq 0 ] && compopt -o default
}
complete -F _tributary tributary
`,
  zsh: `#compdef tributary
_tributary() {
  local -a found
  found=("\${(@f)$(tributary __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [ -n "$found" ] && compadd -a found || _files
}
compdef _tributary tributary
`,
  fish: `function __tributary_complete
  set -l words (commandline -opc) (commandline -ct)
  tributary __complete -- $words[2..-1] 2>/dev/null
end
complete -c tributary -a '(__tributary_complete)'
`,
}

/** `completion`: a script for the shell's start-up file. */
export function addCompletion(command: Command, invocation: Invocation): void {
  command
    .addArgument(new Argument('<shell>', 'whose completion').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', '\n  bash: tributary completion bash > ~/.local/share/bash-completion/completions/tributary')
    .action((shell: string) => invocation.data.write(SCRIPTS[shell] ?? ''))
}
