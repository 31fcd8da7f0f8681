using System.Reflection;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>A program under tests/peers that setup.sh has built.</summary>
/// <param name="Command">How to start it.</param>
/// <param name="Environment">What it needs in its environment.</param>
internal sealed record PeerProgram(string[] Command, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The program in tests/peers/<paramref name="name"/>, or null where it is not built.</summary>
    public static PeerProgram? Find(string name)
    {
        string peers = Path.Combine(RepositoryRoot(), "tests", "peers");
        string program = Path.Combine(peers, name, "bin", "Release", "net10.0", "linux-x64", $"{name}Peer.dll");
        return File.Exists(program)
            ? new PeerProgram(["dotnet", program], new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = Path.Combine(peers, "libstdcxx", "bin") })
            : null;
    }

    /// <summary>The folder that holds ActorMlp.sln.</summary>
    public static string RepositoryRoot()
    {
        for (string? folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "ActorMlp.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("the benchmarks are run from a checkout, which holds ActorMlp.sln");
    }
}
