using ActorMlp.Cli.Commands;

namespace ActorMlp.Cli.Tests;

/// <summary>The command, run in this process.</summary>
/// <param name="ExitCode">How it ended.</param>
/// <param name="Output">What it wrote.</param>
/// <param name="Error">What it complained of.</param>
internal sealed record CommandLine(int ExitCode, string Output, string Error)
{
    public static Task<CommandLine> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    public static async Task<CommandLine> RunWithInputAsync(string input, params string[] arguments)
    {
        using var reader = new StringReader(input);
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = await ActorMlpCommand.InvokeAsync(
            arguments, new CommandContext(TextWriter.Synchronized(output), TextWriter.Synchronized(error), null, TimeProvider.System) { Input = reader });
        return new CommandLine(exitCode, output.ToString(), error.ToString());
    }
}
