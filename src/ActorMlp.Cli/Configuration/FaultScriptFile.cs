using ActorMlp.Training.Faults;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ActorMlp.Cli.Configuration;

/// <summary>A fault script, read and checked.</summary>
/// <param name="Script">The script; of no use where there are problems.</param>
/// <param name="Problems">All that is wrong with it.</param>
internal sealed record FaultScriptFile(FaultScript Script, IReadOnlyList<ConfigurationProblem> Problems)
{
    /// <summary>Reads a fault script and checks every rule.</summary>
    public static FaultScriptFile Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Refused(path, null, $"the fault script cannot be read: {exception.Message}");
        }
    }

    /// <summary>The same from its text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="source">What messages call it.</param>
    public static FaultScriptFile Parse(string text, string source)
    {
        YamlDocument[] documents;
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            documents = [.. yaml.Documents];
        }
        catch (YamlException exception)
        {
            return Refused(source, (int)exception.Start.Line, $"is no valid YAML: {exception.Message}");
        }
        catch (InvalidOperationException)
        {
            return Refused(source, null, OptionsBinder.Unclosed);
        }

        if (documents.Length != 1)
        {
            return Refused(source, null, $"has {documents.Length} YAML documents; expected one, with seed and faults");
        }

        var reader = new FaultScriptReader(source);
        FaultScript script = reader.ReadScript(documents[0].RootNode);

        // A key that could not be read has been told of already, and so may look as if it was missing.
        HashSet<string> reported = [.. reader.Problems.Select(problem => problem.Key)];
        ConfigurationProblem[] broken =
        [
            .. FaultScriptValidator.Check(script)
                .Select(problem => reader.Locate(problem.Fault, problem.Key, problem.Message))
                .Where(problem => !reported.Any(key => problem.Key == key || key.StartsWith(problem.Key + ".", StringComparison.Ordinal)))
                .DistinctBy(problem => problem.Key),
        ];
        return new FaultScriptFile(script, [.. reader.Problems.Concat(broken).OrderBy(problem => problem.Line)]);
    }

    private static FaultScriptFile Refused(string source, int? line, string message) =>
        new(FaultScript.None, [new ConfigurationProblem(source, line, "", message)]);
}
