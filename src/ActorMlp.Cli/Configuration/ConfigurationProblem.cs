namespace ActorMlp.Cli.Configuration;

/// <summary>Something in a run file or in an override that cannot be used.</summary>
/// <param name="Source">The run file, or the option that overrides it.</param>
/// <param name="Line">Line in the file; null where there is none.</param>
/// <param name="Key">The key, from the top; empty for the whole file.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
internal sealed record ConfigurationProblem(string Source, int? Line, string Key, string Message)
{
    public override string ToString() =>
        $"{Source}{(Line is { } line ? $":{line}" : "")}: {(Key.Length > 0 ? Key + ": " : "")}{Message}";
}
