using System.Reflection;
using System.Runtime.Loader;
using ActorMlp.Training.Simulation.Search;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>
/// Whether the search for schedules of faults finds anything: the project's own source is compiled again with one mistake in it, and the search must notice within
/// 2,000 seeds. The one that found it last is tried first; the others if it no longer does.
/// </summary>
public sealed class MutationTests
{
    private const int Seeds = 2000;

    private static readonly string Source = Path.Combine(Root(), "src", "ActorMlp.Training");

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is not ("ActorMlp.Training.dll" or "ActorMlp.Training.Tests.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest);
    private static readonly CSharpCompilation Unchanged = Parse();

    [Theory]
    [InlineData(
        "a node mixes weights of two steps", "Machines/WeightsMachine.cs",
        "|| versions.Values.Any(version => version != message.Step)", "", 1)]
    [InlineData(
        "a node takes weights of an older arrangement", "Machines/WeightsMachine.cs",
        "message.Arrangement == arrangement.Number && message.Step >", "message.Step >", 28)]
    [InlineData(
        "a server that goes back a step applies it again", "Machines/ParameterServerMachine.Views.cs",
        "piece.Phase = PiecePhase.Applied;", "", 1)]
    [InlineData(
        "what the lost lead had not told yet is not told by its standby", "Machines/ParameterServerMachine.Views.cs",
        "told[commit.Step] = commit;", "_ = commit;", 40)]
    [InlineData(
        "a state that may still be asked for is forgotten", "Machines/KeeperMachine.cs",
        "step < Saved.Step &&", "step <= Saved.Step &&", 1)]
    [InlineData(
        "a run goes back behind its newest checkpoint", "Machines/KeeperMachine.cs",
        "if (arrangement.Step < Saved.Step)", "if (arrangement.Shares > 0 && arrangement.Step < Saved.Step)", 272)]
    [InlineData(
        "a run ends with the counts of the coordinator that took it over", "Machines/KeeperMachine.Coordinators.cs",
        "Progress = told.Counted(conclusion.Progress)", "Progress = conclusion.Progress", 615)]
    [InlineData(
        "an epoch that is trained again is not told of", "Machines/KeeperMachine.cs",
        "epochTold = message.Step;", "", 82)]
    [InlineData(
        "what whoever keeps the run did not hear is not said again", "Machines/KeeperOutbox.cs",
        "return [.. unacknowledged.Take(MostAtOnce)];", "return [];", 13)]
    [InlineData(
        "whoever keeps the run hears what follows a gap", "Machines/KeeperMachine.Coordinators.cs",
        "if (told.Number != Heard + 1)", "Heard = Math.Max(Heard, told.Number - 1); if (told.Number != Heard + 1)", 53)]
    [InlineData(
        "every view is taken to be known in which a second computation may come", "Machines/ParameterServerMachine.cs",
        "views.GetValueOrDefault(part.View)", "views[part.View]", 1466)]
    [InlineData(
        "what a helper computed is not in the ledger", "Machines/ParameterServerMachine.Help.cs",
        "redealt.EnterLate(owner.Number, shard);", "_ = owner;", 19)]
    [InlineData(
        "a step is entered twice", "Machines/CoordinatorMachine.cs",
        "message.Step != progress.Step ||", "message.Step > progress.Step ||", 178)]
    [InlineData(
        "a run that goes back to its checkpoint counts on from where it was", "Machines/CoordinatorMachine.Members.cs",
        "progress = saved;", "", 2)]
    [InlineData(
        "a node may leave although it holds parameters", "Machines/CoordinatorMachine.Members.cs",
        "&& !view.Arrangement.Servers.Contains(node.Key)", "", 206)]
    [InlineData(
        "a lost server's standby goes on with the state of the step before", "Machines/ParameterServerMachine.Views.cs",
        "Phase = range.PhaseOf(piece.Offset)", "Phase = PiecePhase.Collecting", 402)]
    [InlineData(
        "a node that is lost while ranges are dealt is waited for", "Machines/CoordinatorMachine.Members.cs",
        "phase == Phase.Arranging || computedAll", "computedAll", 597)]
    [InlineData(
        "the share of a lost worker is computed by nobody", "Consistency/ShareServerMachine.cs",
        "                share.Busy = null;", "", 332)]
    [InlineData(
        "a share is ahead of the slowest by one step too many", "Consistency/AsynchronousServerMachine.cs",
        "share.Clock - slowest <= staleness", "share.Clock - 1 - slowest <= staleness", 13)]
    [InlineData(
        "an update's version is that of the updates that are applied, not of those that are asked for", "Consistency/ShareServerMachine.cs",
        "share.Ticket, clock, Sequence, steps,", "share.Ticket, clock, Applied, steps,", 5)]
    [InlineData(
        "a state is whole although a part of it came twice and another not at all", "Machines/StateAccount.cs",
        "parts.Add((message.Vector, message.Offset)) ? message.Length : 0", "message.Length", 527)]
    [InlineData(
        "updates that an arrangement dropped are logged", "Machines/KeeperMachine.Shares.cs",
        "        received.Clear();\n", "", 146)]
    public void Search_finds_a_planted_mistake(string mistake, string file, string original, string mutated, int foundLastBy)
    {
        string path = Path.Combine(Source, file);
        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        Assert.True(text.Split(original).Length == 2, $"{mistake}: the place to plant it is not, or not only once, in {file}");

        // Not to be unloaded: what may be is compiled all at once, and more slowly.
        MethodInfo of = new AssemblyLoadContext(mistake).LoadFromStream(Compile(path, text.Replace(original, mutated, StringComparison.Ordinal)))
            .GetType(typeof(SearchCase).FullName!, throwOnError: true)!.GetMethod(nameof(SearchCase.Of))!;
        MethodInfo find = of.DeclaringType!.GetMethod(nameof(SearchCase.FindProblem))!;
        Assert.InRange(foundLastBy, 1, Seeds);
        int foundBy = Enumerable.Range(1, Seeds).Prepend(foundLastBy).FirstOrDefault(seed =>
            find.Invoke(of.Invoke(null, [(ulong)seed, null]), []) is not null && SearchCase.Of((ulong)seed).FindProblem() is null);
        Assert.True(foundBy > 0, $"{mistake}: {Seeds} seeds noticed nothing");
        TestContext.Current.TestOutputHelper?.WriteLine($"found by seed {foundBy}");
    }

    private static CSharpCompilation Parse()
    {
        const string Usings =
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks;";
        return CSharpCompilation.Create(
            "ActorMlp.Training",
            [
                CSharpSyntaxTree.ParseText(Usings, ParseOptions),
                .. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
                    .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                    .Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), ParseOptions, path)),
            ],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, concurrentBuild: false));
    }

    private static MemoryStream Compile(string mutatedPath, string mutatedText)
    {
        SyntaxTree before = Unchanged.SyntaxTrees.Single(tree => tree.FilePath == mutatedPath);
        var assembly = new MemoryStream();
        var result = Unchanged.ReplaceSyntaxTree(before, CSharpSyntaxTree.ParseText(mutatedText, ParseOptions, mutatedPath)).Emit(assembly);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(one => one.Severity == DiagnosticSeverity.Error).Take(5)));
        assembly.Position = 0;
        return assembly;
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "ActorMlp.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("the test does not run from within the repository");
    }
}
