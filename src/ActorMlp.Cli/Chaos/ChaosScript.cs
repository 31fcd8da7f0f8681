using System.Globalization;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cluster.Faults;
using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Chaos;

/// <summary>What a fault script asks of real processes.</summary>
internal static class ChaosScript
{
    private static readonly FaultKind[] Links = [FaultKind.Partition, FaultKind.Delay, FaultKind.Loss, FaultKind.Duplicate, FaultKind.Reorder, FaultKind.Corrupt];

    /// <summary>Whether links are cut or disturbed.</summary>
    public static bool DisturbsLinks(FaultScript script) => script.Faults.Any(fault => Links.Contains(fault.Kind));

    /// <summary>Whether a disk is filled.</summary>
    public static bool FillsDisk(FaultScript script) => script.Faults.Any(fault => fault.Kind == FaultKind.FillDisk);

    /// <summary>What of it cannot be done to real processes, or not here.</summary>
    /// <param name="script">The script.</param>
    /// <param name="inNamespaces">Whether links are cut in network namespaces.</param>
    public static IEnumerable<string> Problems(FaultScript script, bool inNamespaces)
    {
        for (int i = 0; i < script.Faults.Count; i++)
        {
            Fault fault = script.Faults[i];
            string kind = OptionsReflection.Camel(fault.Kind.ToString()), place = $"faults[{i}]";
            if (fault is { Kind: FaultKind.Loss, Rate: > LinkConditions.MaxLoss and var rate })
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{place}.rate: is {rate}; a real link loses up to {LinkConditions.MaxLoss}; above that a connection hardly moves");
            }

            if (fault.Kind == FaultKind.Delay && fault.By > LinkConditions.MaxDelay)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{place}.by: is {fault.By.Value.TotalSeconds} s; a real link delays by up to {LinkConditions.MaxDelay.TotalSeconds} s");
            }

            if (inNamespaces && Links.Contains(fault.Kind) && fault.Kind != FaultKind.Partition)
            {
                yield return $"{place}.kind: is {kind}; with --namespaces links are cut, and nothing else; without it they do all of it";
            }
        }

        if (DisturbsLinks(script) && !inNamespaces && !SocketOwner.IsSupported)
        {
            yield return "links between processes are disturbed on Linux only, by /proc/net/tcp; actormlp simulate needs nothing";
        }

        if (FillsDisk(script) && !(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess))
        {
            yield return "fillDisk: it takes root on Linux, to mount a small disk for the run's checkpoints; actormlp simulate needs nothing";
        }
    }
}
